-- What asynchronous tasks that have not ended need to be run, and what is held for them in their wallets: account.held is the
-- sum of these amounts and of what leases keep. A node has a task until expires_at; run counts how often one took it, so that
-- one which lost it finds out. sent is the attempt whose outcome is not written down yet.
CREATE TABLE task_work (
    task_id      {{id}} NOT NULL PRIMARY KEY REFERENCES task (id),
    tenant_id    {{id}},
    user_id      {{id}} NOT NULL,
    api_key_id   {{id}},
    wallet_id    {{id}} NOT NULL REFERENCES account (id),
    currency     TEXT NOT NULL,
    amount       {{int}} NOT NULL CHECK (amount >= 0),
    kind         TEXT NOT NULL,
    dialect      TEXT NOT NULL,
    path         TEXT NOT NULL,
    header       {{json}},
    body         {{blob}} NOT NULL,
    address      TEXT NOT NULL,
    node         TEXT NOT NULL,
    run          {{int}} NOT NULL,
    expires_at   {{int}},
    canceling    {{bool}} NOT NULL,
    sent         {{json}},
    created_at   {{int}} NOT NULL
) {{strict}};
CREATE INDEX task_work_wallet ON task_work (wallet_id);
CREATE INDEX task_work_expires ON task_work (expires_at);
