-- A ledger of format 1 as the writer of format 1 left it: its schema, its rows, octet for octet. Never edit it.
PRAGMA application_id=1851879023;
PRAGMA user_version=1;
CREATE TABLE entry (
    sequence INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    kind     TEXT GENERATED ALWAYS AS (json_extract(body, '$.kind')) VIRTUAL,
    rig      TEXT GENERATED ALWAYS AS (json_extract(body, '$.rig')) VIRTUAL,
    boot     TEXT GENERATED ALWAYS AS (json_extract(body, '$.boot')) VIRTUAL,
    dose_id  TEXT GENERATED ALWAYS AS (json_extract(body, '$.dose_id')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX one_of_each ON entry (dose_id, kind) WHERE kind IN ('intent', 'outcome', 'resolution');
CREATE TRIGGER rows_are_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER rows_are_never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER rows_are_appended BEFORE INSERT ON entry
WHEN NEW.sequence IS NOT (SELECT ifnull(max(sequence), 0) + 1 FROM entry)
  OR NEW.previous IS NOT (SELECT ifnull(max(hash), '0000000000000000000000000000000000000000000000000000000000000000')
                          FROM entry WHERE sequence = NEW.sequence - 1)
  OR EXISTS (SELECT 1 FROM entry WHERE dose_id = json_extract(NEW.body, '$.dose_id')
             AND kind = json_extract(NEW.body, '$.kind') AND kind IN ('intent', 'outcome', 'resolution'))
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
INSERT INTO entry (sequence, body, previous, hash) VALUES (1, '{"kind":"note","ledger":"96c5091b4e7bcc00e4689ea6b19f394d","text":"ledger opened","utc":"2026-01-01T00:01:01.000000Z","utc_source":"host clock"}',
    '0000000000000000000000000000000000000000000000000000000000000000', 'c8ca540395471782b539d1fba2bdf6e92e6e770ec4a859c580a05e7b46fb12b4');
INSERT INTO entry (sequence, body, previous, hash) VALUES (2, '{"asked_nl":5000,"board":"pico","boot":"a1b2c3d4","cartridge":null,"channel":"flush","dose_id":"d1d1d1d1d1d1d1d1","expires_ms":5000,"firmware":"0.1.0","kind":"intent","last_dose_id":"0000000000000000","lot":null,"operator":"ravi","order_kind":"dose","patient":null,"plan":null,"profile":"constant","rate_end_nl_s":0,"rate_nl_s":1000,"rig":"chair 1","segments":null,"serial":"0011223344556677","session":"01020304","treatment":null,"utc":"2026-01-01T00:02:02.000000Z","utc_source":"host clock"}',
    'c8ca540395471782b539d1fba2bdf6e92e6e770ec4a859c580a05e7b46fb12b4', 'd601be0b04b41b7721893ef34e3f5b07222dd89bc8f1311927fcfec103b94d32');
INSERT INTO entry (sequence, body, previous, hash) VALUES (3, '{"asked_nl":5000,"asked_steps":500,"board":"pico","boot":"a1b2c3d4","cartridge":null,"cause":null,"channel":"flush","detail":"","device_uptime_ms":90000,"dose_id":"d1d1d1d1d1d1d1d1","emitted_nl":5000,"emitted_steps":500,"firmware":"0.1.0","granted_steps":500,"kind":"outcome","lot":null,"nearest":0,"operator":"ravi","order_kind":"dose","outcome":"delivered","patient":null,"plan":null,"reason":null,"rig":"chair 1","serial":"0011223344556677","to_patient_nl":[4990,5000],"treatment":null,"utc":"2026-01-01T00:03:03.000000Z","utc_source":"host clock","waste_nl":[0,0]}',
    'd601be0b04b41b7721893ef34e3f5b07222dd89bc8f1311927fcfec103b94d32', '1960a7596b1fe00f9c2d66d37f78418fa94e6f27b9a6144d5cb88f942c8a656b');
INSERT INTO entry (sequence, body, previous, hash) VALUES (4, '{"asked_nl":5000,"board":"pico","boot":"a1b2c3d4","cartridge":null,"channel":"flush","dose_id":"d2d2d2d2d2d2d2d2","expires_ms":5000,"firmware":"0.1.0","kind":"intent","last_dose_id":"0000000000000000","lot":null,"operator":"ravi","order_kind":"dose","patient":null,"plan":null,"profile":"constant","rate_end_nl_s":0,"rate_nl_s":1000,"rig":"chair 1","segments":null,"serial":"0011223344556677","session":"01020304","treatment":null,"utc":"2026-01-01T00:04:04.000000Z","utc_source":"host clock"}',
    '1960a7596b1fe00f9c2d66d37f78418fa94e6f27b9a6144d5cb88f942c8a656b', 'd1ca4c3739d740f8c1417ea19a2e8cc49cae6d7f5ccdc8ead2be2d02e6a4aa82');
INSERT INTO entry (sequence, body, previous, hash) VALUES (5, '{"asked_nl":5000,"asked_steps":500,"board":"pico","boot":"a1b2c3d4","cartridge":null,"cause":null,"channel":"flush","detail":"","device_uptime_ms":90000,"dose_id":"d2d2d2d2d2d2d2d2","emitted_nl":5000,"emitted_steps":500,"firmware":"0.1.0","granted_steps":500,"kind":"outcome","lot":null,"nearest":0,"operator":"ravi","order_kind":"dose","outcome":"unknown","patient":null,"plan":null,"reason":null,"rig":"chair 1","serial":"0011223344556677","to_patient_nl":[4990,5000],"treatment":null,"utc":"2026-01-01T00:05:05.000000Z","utc_source":"host clock","waste_nl":[0,0]}',
    'd1ca4c3739d740f8c1417ea19a2e8cc49cae6d7f5ccdc8ead2be2d02e6a4aa82', 'bde7c887365c3d1d94ae11d916259696f1d441c34385c43fd4ad0fc2e755848b');
INSERT INTO entry (sequence, body, previous, hash) VALUES (6, '{"asked_nl":5000,"asked_steps":500,"board":"pico","boot":"a1b2c3d4","cartridge":null,"cause":null,"channel":"flush","detail":"","device_uptime_ms":90000,"dose_id":"d2d2d2d2d2d2d2d2","emitted_nl":1200,"emitted_steps":120,"firmware":"0.1.0","granted_steps":120,"kind":"resolution","lot":null,"nearest":0,"operator":"ravi","order_kind":"dose","outcome":"partial","patient":null,"plan":null,"reason":null,"resolved_by":"device","rig":"chair 1","serial":"0011223344556677","to_patient_nl":[1190,1200],"treatment":null,"utc":"2026-01-01T00:06:06.000000Z","utc_source":"host clock","waste_nl":[0,0]}',
    'bde7c887365c3d1d94ae11d916259696f1d441c34385c43fd4ad0fc2e755848b', 'abe7ddb630c2ce6f46008abf0153db4445d8d9d5830ae9b022de0f0dd123388c');
INSERT INTO entry (sequence, body, previous, hash) VALUES (7, '{"boot":"a1b2c3d4","cause":"operator","confirmed":true,"error":null,"kind":"stop","operator":"ravi","report":null,"rig":"chair 1","utc":"2026-01-01T00:07:07.000000Z","utc_source":"host clock"}',
    'abe7ddb630c2ce6f46008abf0153db4445d8d9d5830ae9b022de0f0dd123388c', '2d49e82b49c40c4b4bfe138adbdc14811763b2156ce99fc00ae6815ec5cf7a2f');
INSERT INTO entry (sequence, body, previous, hash) VALUES (8, '{"asked_nl":5000,"board":"pico","boot":"a1b2c3d4","cartridge":null,"channel":"flush","dose_id":"d3d3d3d3d3d3d3d3","expires_ms":5000,"firmware":"0.1.0","kind":"intent","last_dose_id":"0000000000000000","lot":null,"operator":"ravi","order_kind":"dose","patient":null,"plan":null,"profile":"constant","rate_end_nl_s":0,"rate_nl_s":1000,"rig":"chair 1","segments":null,"serial":"0011223344556677","session":"01020304","treatment":null,"utc":"2025-12-31T23:08:08.000000Z","utc_source":"host clock"}',
    '2d49e82b49c40c4b4bfe138adbdc14811763b2156ce99fc00ae6815ec5cf7a2f', '6ac83c8c8eaa0884e655bf88572d280456621adc0a85aff431fef03169571ff4');
INSERT INTO entry (sequence, body, previous, hash) VALUES (9, '{"asked_nl":5000,"asked_steps":500,"board":"pico","boot":"a1b2c3d4","cartridge":null,"cause":null,"channel":"flush","detail":"","device_uptime_ms":90000,"dose_id":"d3d3d3d3d3d3d3d3","emitted_nl":5000,"emitted_steps":500,"firmware":"0.1.0","granted_steps":500,"kind":"outcome","lot":null,"nearest":0,"operator":"ravi","order_kind":"dose","outcome":"unknown","patient":null,"plan":null,"reason":null,"rig":"chair 1","serial":"0011223344556677","to_patient_nl":[4990,5000],"treatment":null,"utc":"2025-12-31T23:09:09.000001Z","utc_source":"host clock","waste_nl":[0,0]}',
    '6ac83c8c8eaa0884e655bf88572d280456621adc0a85aff431fef03169571ff4', '61d49604b7ac441e6659cc6118cd97736f7e3c9a18ac2db4795251f3b0d11661');
INSERT INTO entry (sequence, body, previous, hash) VALUES (10, '{"asked_nl":5000,"board":"pico","boot":"a1b2c3d4","cartridge":null,"channel":"flush","dose_id":"d4d4d4d4d4d4d4d4","expires_ms":5000,"firmware":"0.1.0","kind":"intent","last_dose_id":"0000000000000000","lot":null,"operator":"ravi","order_kind":"dose","patient":null,"plan":null,"profile":"constant","rate_end_nl_s":0,"rate_nl_s":1000,"rig":"chair 1","segments":null,"serial":"0011223344556677","session":"01020304","treatment":null,"utc":"2025-12-31T23:10:10.000001Z","utc_source":"host clock"}',
    '61d49604b7ac441e6659cc6118cd97736f7e3c9a18ac2db4795251f3b0d11661', '9ad79b2ce0079c60c8dc659049c6c965a6ed41074d5576513587e70f17a6fa77');
INSERT INTO entry (sequence, body, previous, hash) VALUES (11, '{"kind":"note","text":"\u00b5: Wartung \u2028 \ud834\udd1e","utc":"2025-12-31T23:11:11.000001Z","utc_source":"host clock"}',
    '9ad79b2ce0079c60c8dc659049c6c965a6ed41074d5576513587e70f17a6fa77', '3fa5fc6c6e4bd20edb833462751c4a9b6202be5be6e9219dfb1592cf168b5164');
