-- A credential rests, or comes back from being disabled by a policy, at this time.
ALTER TABLE platform_credential ADD COLUMN cooldown_until {{int}};

-- What routing policies did, and why. Rows name what may be gone, so they have no foreign keys.
CREATE TABLE platform_policy_event (
    {{entity}},
    at                {{int}} NOT NULL,
    kind              TEXT NOT NULL,
    platform_id       {{id}} NOT NULL,
    platform_model_id {{id}},
    credential_id     {{id}},
    category          TEXT NOT NULL,
    status            {{int}} NOT NULL,
    code              TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    state_before      {{json}},
    state_after       {{json}},
    until             {{int}}
) {{strict}};
CREATE INDEX platform_policy_event_platform ON platform_policy_event (platform_id, number);
CREATE INDEX platform_policy_event_at ON platform_policy_event (at);
