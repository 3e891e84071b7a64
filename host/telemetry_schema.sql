-- Telemetry of rigs: means and extremes of a stretch of time. A raw sample is a stretch of width 0.
CREATE TABLE stretch (
    width_ms INTEGER NOT NULL,
    rig TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    uptime_ms INTEGER NOT NULL,
    dose_id TEXT NOT NULL,
    dose_state INTEGER NOT NULL,
    emitted_nl INTEGER NOT NULL,
    device_states INTEGER NOT NULL,
    stop_causes INTEGER NOT NULL,
    alarms INTEGER NOT NULL,
    sensor_faults INTEGER NOT NULL,
    pressure_pa_min INTEGER NOT NULL, pressure_pa_sum INTEGER NOT NULL, pressure_pa_max INTEGER NOT NULL,
    flow_nl_s_min INTEGER NOT NULL, flow_nl_s_sum INTEGER NOT NULL, flow_nl_s_max INTEGER NOT NULL,
    rate_nl_s_min INTEGER NOT NULL, rate_nl_s_sum INTEGER NOT NULL, rate_nl_s_max INTEGER NOT NULL,
    temperature_mdegc_min INTEGER NOT NULL, temperature_mdegc_sum INTEGER NOT NULL, temperature_mdegc_max INTEGER NOT NULL,
    density_permille_min INTEGER NOT NULL, density_permille_sum INTEGER NOT NULL, density_permille_max INTEGER NOT NULL,
    supply_mv_min INTEGER NOT NULL, supply_mv_sum INTEGER NOT NULL, supply_mv_max INTEGER NOT NULL,
    PRIMARY KEY (rig, width_ms, start_ms)
) STRICT, WITHOUT ROWID;

-- Finds what is old enough to be folded, of all rigs.
CREATE INDEX by_age ON stretch (width_ms, start_ms);
