-- What limits a user: {rateLimitPolicy, quotaPolicy}, as apps and tenants have it.
ALTER TABLE user_account ADD COLUMN policies {{json}};

-- What calls have cost a scope, by the quarter of an hour in which they began: every time zone's days and months are made
-- of those. It is written in the transaction that writes the captures. Slot 0 is what was folded: see QuotaFold.
CREATE TABLE quota_usage (
    scope_kind TEXT NOT NULL,
    scope_id   {{id}} NOT NULL,
    currency   TEXT NOT NULL,
    slot       {{int}} NOT NULL CHECK (slot >= 0),
    used       {{int}} NOT NULL CHECK (used >= 0),
    PRIMARY KEY (scope_kind, scope_id, currency, slot)
) {{strict}};
CREATE INDEX quota_usage_slot ON quota_usage (slot);

-- Rate-limit windows longer than a minute, over a restart. cells is [[number of the part, used], …].
CREATE TABLE limit_window (
    node       TEXT NOT NULL,
    scope_kind TEXT NOT NULL,
    scope_id   {{id}} NOT NULL,
    metric     TEXT NOT NULL,
    currency   TEXT NOT NULL,
    span       {{int}} NOT NULL CHECK (span > 0),
    limit_is   {{int}} NOT NULL,
    cells      {{json}} NOT NULL,
    until      {{int}},
    PRIMARY KEY (node, scope_kind, scope_id, metric, currency, span)
) {{strict}};

-- Calls that were captured before this table was there.
INSERT INTO quota_usage (scope_kind, scope_id, currency, slot, used)
SELECT kind, id, currency, slot, SUM(charged) FROM (
    SELECT 'tenant' AS kind, tenant_id AS id, currency, created_at / 900000000 AS slot, charged FROM task
    UNION ALL SELECT 'user_group', group_id, currency, created_at / 900000000, charged FROM task
    UNION ALL SELECT 'user', user_id, currency, created_at / 900000000, charged FROM task
    UNION ALL SELECT 'api_key', api_key_id, currency, created_at / 900000000, charged FROM task
    UNION ALL SELECT 'app', api_key.app_id, task.currency, task.created_at / 900000000, task.charged
        FROM task JOIN api_key ON api_key.id = task.api_key_id
) AS captured
WHERE id IS NOT NULL AND charged > 0 AND slot > 0 GROUP BY kind, id, currency, slot;
