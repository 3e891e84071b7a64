-- From format 1 to 2: open doses and the keys of the heads are found without reading every row. The rows, their hashes
-- and the triggers stay as they are.
ALTER TABLE entry ADD COLUMN outcome  TEXT GENERATED ALWAYS AS (json_extract(body, '$.outcome')) VIRTUAL;
ALTER TABLE entry ADD COLUMN head_key TEXT GENERATED ALWAYS AS (json_extract(body, '$.head_key')) VIRTUAL;

CREATE INDEX intents_of_a_rig ON entry (rig, dose_id) WHERE kind = 'intent';

CREATE INDEX intents_of_a_boot ON entry (boot, dose_id) WHERE kind = 'intent';

CREATE INDEX outcomes_of_a_dose ON entry (dose_id, outcome) WHERE kind = 'outcome';

CREATE INDEX resolutions_of_a_dose ON entry (dose_id) WHERE kind = 'resolution';

CREATE INDEX keys_of_heads ON entry (sequence) WHERE head_key IS NOT NULL;

CREATE INDEX commands ON entry (sequence) WHERE kind IN ('command', 'command_end');

CREATE INDEX comparisons ON entry (sequence) WHERE kind = 'compared';

CREATE INDEX disagreements ON entry (sequence) WHERE kind = 'disagreement';

CREATE INDEX acknowledgements ON entry (sequence) WHERE kind = 'acknowledgement';
