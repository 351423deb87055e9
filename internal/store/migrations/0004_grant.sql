
-- Gifts, and what calls have spent of those that expire: "spent" is exact for captures up to the transfer "through".
CREATE TABLE wallet_grant (
    {{entity}},
    account_id {{id}} NOT NULL REFERENCES account (id),
    key        TEXT NOT NULL,
    amount     {{int}} NOT NULL CHECK (amount > 0),
    spent      {{int}} NOT NULL,
    returned   {{int}} NOT NULL,
    through    {{int}} NOT NULL,
    reason     TEXT NOT NULL,
    expires_at {{int}},
    closed_at  {{int}},
    created_at {{int}},
    CONSTRAINT wallet_grant_whole CHECK (spent >= 0 AND returned >= 0 AND spent + returned <= amount)
) {{strict}};
CREATE UNIQUE INDEX wallet_grant_key_unique ON wallet_grant (account_id, key);
CREATE INDEX wallet_grant_due ON wallet_grant (expires_at) WHERE closed_at IS NULL AND expires_at IS NOT NULL;
