-- What calls with an idempotency key were answered; claim is the hash of user, path and key. Where nodes are several, a row
-- that is not done says which of them makes the call.
CREATE TABLE replay (
    claim        {{blob}} NOT NULL PRIMARY KEY,
    fingerprint  {{blob}} NOT NULL,
    task_id      {{id}} NOT NULL,
    user_id      {{id}} NOT NULL,
    node         TEXT NOT NULL,
    epoch        {{int}} NOT NULL,
    done         {{bool}} NOT NULL,
    status       {{int}} NOT NULL,
    content_type TEXT NOT NULL,
    body         {{blob}},
    lost         {{bool}} NOT NULL,
    created_at   {{int}} NOT NULL,
    expires_at   {{int}} NOT NULL
) {{strict}};
CREATE INDEX replay_expires ON replay (expires_at);
