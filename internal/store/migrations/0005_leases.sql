-- Leases, for many nodes. SQLite has one node, which needs none of this. Source: MONEY section 5.
{{if not sqlite}}
-- Leases live by the database's clock alone.
CREATE FUNCTION now_micros() RETURNS BIGINT LANGUAGE sql VOLATILE AS
$$ SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) $$;

-- Near zero, every hold is a lease of its own.
ALTER TABLE account ADD COLUMN mode TEXT NOT NULL DEFAULT 'lease' CHECK (mode IN ('lease', 'exact'));

-- epoch numbers the lives of nodes: no two are ever the same, and so neither are two nodes' leases.
CREATE SEQUENCE node_epoch;
CREATE TABLE node (
    name    TEXT NOT NULL PRIMARY KEY,
    epoch   {{int}} NOT NULL DEFAULT nextval('node_epoch') UNIQUE,
    seen_at {{int}} NOT NULL
);

-- account.held contains the sum of granted - settled over all leases of the wallet, whatever their state.
CREATE TABLE lease (
    id         {{id}} NOT NULL PRIMARY KEY,
    wallet_id  {{id}} NOT NULL REFERENCES account (id),
    node       TEXT NOT NULL,
    epoch      {{int}} NOT NULL,
    granted    {{int}} NOT NULL,
    settled    {{int}} NOT NULL DEFAULT 0 CHECK (settled >= 0),
    exact      {{bool}} NOT NULL,
    state      TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'returned', 'fenced')),
    expires_at {{int}} NOT NULL,
    updated_at {{int}} NOT NULL,
    CONSTRAINT lease_settled_granted CHECK (settled <= granted)
);
CREATE INDEX lease_wallet ON lease (wallet_id) WHERE state = 'active';
CREATE INDEX lease_expires ON lease (expires_at) WHERE state = 'active';
CREATE INDEX lease_ended ON lease (updated_at) WHERE state <> 'active';

-- What calls have cost. It has no foreign key: the lock on the lease that one would take says nothing of its state, and
-- the table may be partitioned by its primary key, which begins with the time.
CREATE TABLE settlement (
    hold_id   {{id}} NOT NULL PRIMARY KEY,
    lease_id  {{id}} NOT NULL,
    epoch     {{int}} NOT NULL,
    wallet_id {{id}} NOT NULL,
    shard     SMALLINT NOT NULL GENERATED ALWAYS AS (get_byte(uuid_send(wallet_id), 15) % 16) STORED,
    mark      {{int}} NOT NULL CHECK (mark >= 0),
    amount    {{int}} NOT NULL CHECK (amount >= 0),
    final     {{bool}} NOT NULL,
    cut       {{bool}} NOT NULL DEFAULT FALSE,
    opened    {{blob}},
    payload   {{blob}},
    at        {{int}} NOT NULL,
    folded_at {{int}},
    refusal   TEXT
);
CREATE INDEX settlement_unfolded ON settlement (shard, at) WHERE final AND folded_at IS NULL AND refusal IS NULL;
CREATE INDEX settlement_wallet ON settlement (wallet_id) INCLUDE (amount) WHERE final AND folded_at IS NULL;
CREATE INDEX settlement_lease ON settlement (lease_id) WHERE folded_at IS NULL;
CREATE INDEX settlement_refused ON settlement (at) WHERE refusal IS NOT NULL;
{{end}}
