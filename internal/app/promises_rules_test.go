package app

// prices asks what the finance people do with rule sets.
func (w *witness) prices() {
	house := question{name: "prices", as: "admin", body: houseRules}
	w.made("set", "createAdminPricingRuleSet", house)
	w.refused("createAdminPricingRuleSet", 400, "invalid_parameter", "rules", question{name: "of nothing", as: "admin", body: `{"ruleSetKey":"x","name":"x"}`})
	w.refused("createAdminPricingRuleSet", 409, "rule_set_key_taken", "ruleSetKey", again("twice", house))
	w.ask("listAdminPricingRuleSets", 200, question{name: "sets", as: "admin"})
	w.ask("listAdminPricingRules", 200, question{name: "rules", as: "admin"})
	w.changed("updateAdminPricingRuleSet", "{set}", `{"name":"The house"}`, `{"status":"on"}`, "status", `{"ruleSetKey":"default"}`, "rule_set_key_taken")
	w.ask("deleteAdminPricingRuleSet", 204, question{name: "deleted", as: "admin", of: "{set}"})
}

// policies asks what operators do with policies, and what these do.
func (w *witness) policies() {
	gentle := question{name: "policies", as: "admin", body: `{"policyKey":"gentle","name":"Gentle","rateLimitPolicy":{"rpm":60},"retryPolicy":{"maxAttempts":3}}`}
	w.made("policy", "createAdminRuntimePolicySet", gentle)
	w.refused("createAdminRuntimePolicySet", 400, "invalid_parameter", "policyKey", question{name: "no key", as: "admin", body: `{"name":"x"}`})
	w.refused("createAdminRuntimePolicySet", 409, "policy_set_key_taken", "policyKey", again("twice", gentle))
	w.ask("listAdminRuntimePolicySets", 200, question{name: "sets", as: "admin"})
	w.changed("updateAdminRuntimePolicySet", "{policy}", `{"retryPolicy":{"maxAttempts":1}}`, `{"status":"on"}`, "status", `{"policyKey":"default"}`, "policy_set_key_taken")
	w.ask("deleteAdminRuntimePolicySet", 204, question{name: "deleted", as: "admin", of: "{policy}"})
	w.ask("getAdminRunnerPolicy", 200, question{name: "the policy", as: "admin"})
	w.ask("updateAdminRunnerPolicy", 200, question{name: "changed", as: "admin", body: `{"failoverPolicy":{"maxAttempts":2}}`})
	w.refused("updateAdminRunnerPolicy", 400, "invalid_parameter", "hardStopPolicy.off", question{name: "an unknown key", as: "admin", body: `{"hardStopPolicy":{"off":[]}}`})
	w.platform("narrow", `"modelAlias":"narrow","providerModelName":"gpt-4o-mini","modelType":["chat"],"rateLimitPolicy":{"rpm":2}`)
	w.call(post, "/v1/chat/completions", w.guest.key, chat("narrow", false), nil, 200)
	w.ask("listAdminRateLimitWindows", 200, question{name: "windows", as: "admin"})
	w.ask("listAdminModelRateLimits", 200, question{name: "models", as: "admin"})
}

const (
	promisedSubject  = `"subjectType":"user","subjectId":"{user}"`
	promisedResource = `"resourceType":"platform_model","resourceId":"{sim}"`
)

// rules asks what administrators do with access rules.
func (w *witness) rules() {
	denied := question{name: "a rule", as: "admin", body: `{` + promisedSubject + `,` + promisedResource + `,"effect":"deny","priority":5,"status":"disabled"}`}
	w.made("rule", "createAdminAccessRule", denied)
	w.made("other", "createAdminAccessRule", question{name: "another rule", as: "admin", body: `{` + promisedSubject + `,` + promisedResource + `,"status":"disabled"}`})
	w.refused("createAdminAccessRule", 400, "invalid_parameter", "subjectType", question{name: "about nobody", as: "admin", body: `{}`})
	w.refused("createAdminAccessRule", 409, "access_rule_exists", "resourceId", again("twice", denied))
	w.ask("listAdminAccessRules", 200, question{name: "rules", as: "admin"})
	w.changed("updateAdminAccessRule", "{rule}", `{"priority":0}`, `{"conditions":{"ip":["10.0.0"]}}`, "conditions.ip[0]", `{"effect":"allow"}`, "access_rule_exists")
	w.ask("batchAdminAccessRules", 200, question{name: "several", as: "admin", body: `{` + promisedSubject + `,"effect":"deny","upsertResources":[{` + promisedResource + `,"priority":7,"status":"disabled"}]}`})
	w.refused("batchAdminAccessRules", 400, "invalid_parameter", "effect", question{name: "neither", as: "admin", body: `{` + promisedSubject + `,"effect":"x"}`})
	w.ask("deleteAdminAccessRule", 204, question{name: "deleted", as: "admin", of: "{rule}"})
}
