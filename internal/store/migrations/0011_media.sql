-- Files that are kept; their bytes lie elsewhere. Rows name what may be gone, so they have no foreign keys.
CREATE TABLE blob (
    id           {{id}} NOT NULL PRIMARY KEY,
    tenant_id    {{id}} NOT NULL,
    user_id      {{id}} NOT NULL,
    task_id      {{id}},
    content_type TEXT NOT NULL,
    size         {{int}} NOT NULL,
    sha256       {{blob}} NOT NULL,
    simulated    {{bool}} NOT NULL,
    created_at   {{int}} NOT NULL,
    expires_at   {{int}} NOT NULL
) {{strict}};
CREATE INDEX blob_task ON blob (task_id, id);
CREATE INDEX blob_expires ON blob (expires_at);

-- What the simulator must remember of its jobs: which one a key stands for, and which were canceled.
CREATE TABLE simulation_job (
    claim      TEXT NOT NULL PRIMARY KEY,
    job        TEXT NOT NULL,
    created_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX simulation_job_created ON simulation_job (created_at);
CREATE TABLE simulation_canceled (
    job         TEXT NOT NULL PRIMARY KEY,
    canceled_at {{int}} NOT NULL
) {{strict}};
CREATE INDEX simulation_canceled_at ON simulation_canceled (canceled_at);
