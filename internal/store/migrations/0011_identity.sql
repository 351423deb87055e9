-- What the contracts know of tenants, groups and users beyond what was kept of them.
ALTER TABLE tenant ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE tenant ADD COLUMN source TEXT NOT NULL DEFAULT 'local';
ALTER TABLE tenant ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
-- The group that new users of the tenant belong to. It has no foreign key: groups refer to tenants already.
ALTER TABLE tenant ADD COLUMN default_group_id {{id}};
-- SHA-256 of the code with which people register into the tenant.
ALTER TABLE tenant ADD COLUMN invitation_hash {{blob}};
ALTER TABLE user_group ADD COLUMN source TEXT NOT NULL DEFAULT 'local';
ALTER TABLE user_account ADD COLUMN auth_profile {{json}};

CREATE UNIQUE INDEX tenant_external_id_unique ON tenant (external_id) WHERE external_id <> '' AND status <> 'deleted';
CREATE UNIQUE INDEX tenant_invitation_hash_unique ON tenant (invitation_hash)
    WHERE invitation_hash IS NOT NULL AND status <> 'deleted';
-- A session is over when the version of its user is another.
ALTER TABLE session ADD COLUMN version {{int}} NOT NULL DEFAULT 0;
UPDATE session SET version = (SELECT session_version FROM user_account WHERE id = session.user_id);

-- One person of an identity provider is one user.
CREATE UNIQUE INDEX user_account_external_id_unique ON user_account (source, external_id)
    WHERE external_id <> '' AND status <> 'deleted';
CREATE INDEX user_account_group ON user_account (group_id) WHERE status <> 'deleted';
