-- Whose key a rule is about, and whether that user made it.
ALTER TABLE access_rule ADD COLUMN owner_id {{id}};
ALTER TABLE access_rule ADD COLUMN own {{bool}} NOT NULL DEFAULT {{if sqlite}}0{{else}}FALSE{{end}};
CREATE UNIQUE INDEX access_rule_resource_id_unique
    ON access_rule (tenant_id, own, subject_type, subject_id, effect, resource_type, resource_id);
CREATE INDEX access_rule_owner ON access_rule (owner_id) WHERE own;
