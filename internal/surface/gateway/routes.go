// Package gateway serves the EasyAI gateway API.
package gateway

import (
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete

// Who may ask for an operation.
var (
	public  = httpx.Public()
	anyone  = httpx.Anyone()
	owner   = httpx.Scoped(identity.ScopeAll)
	models  = httpx.Scoped(identity.ScopeModels)
	reader  = httpx.Scoped(identity.ScopeTasks)
	person  = httpx.Person()
	connect = httpx.Person(identity.RoleAdmin, identity.RoleOperator)
	look    = httpx.Person(identity.RoleAdmin, identity.RoleOperator, identity.RoleSupport)
	people  = httpx.Person(identity.RoleAdmin, identity.RoleSupport, identity.RoleFinance).InTenant()
	chief   = httpx.Person(identity.RoleAdmin).InTenant()
	finance = httpx.Person(identity.RoleAdmin, identity.RoleFinance)
	priced  = httpx.Person(identity.RoleAdmin, identity.RoleFinance, identity.RoleOperator, identity.RoleSupport)
	admin   = httpx.Person(identity.RoleAdmin)
)

// Routes lists the operations of the surface.
func (s *Surface) Routes() []httpx.Route {
	return slices.Concat(
		s.ownRoutes(), s.modelRoutes(), s.historyRoutes(), s.platformRoutes(), s.peopleRoutes(), s.policyRoutes(),
		s.systemRoutes(), s.taskRoutes(),
	)
}

// ownRoutes are about the caller and its keys.
func (s *Surface) ownRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: post, Pattern: "/api/v1/auth/register", OperationID: "register", Access: public, Handler: s.register},
		{Method: post, Pattern: "/api/v1/auth/login", OperationID: "login", Access: public, Handler: s.login},
		{Method: get, Pattern: "/api/v1/me", OperationID: "getCurrentUser", Access: anyone, Handler: s.me},
		{Method: get, Pattern: "/api/v1/api-keys", OperationID: "listApiKeys", Access: owner, Handler: s.listKeys},
		{Method: post, Pattern: "/api/v1/api-keys", OperationID: "createApiKey", Access: owner, Handler: s.createKey},
		{Method: patch, Pattern: "/api/v1/api-keys/{apiKeyID}/disable", OperationID: "disableApiKey", Access: owner, Handler: s.disableKey},
		{Method: del, Pattern: "/api/v1/api-keys/{apiKeyID}", OperationID: "deleteApiKey", Access: owner, Handler: s.deleteKey},
		{Method: get, Pattern: "/api/v1/api-keys/access-rules", OperationID: "listApiKeyAccessRules", Access: owner, Handler: s.listOwnAccessRules},
		// Persons alone: a key that could change what narrows it would not be narrowed.
		{Method: post, Pattern: "/api/v1/api-keys/access-rules/batch", OperationID: "batchApiKeyAccessRules", Access: person, Handler: s.batchOwnAccessRules},
		{Method: get, Pattern: "/api/playground/api-keys", OperationID: "listPlaygroundApiKeys", Access: person, Handler: s.revealKeys},
	}
}

// modelRoutes are the catalogue, and what of it a caller may use.
func (s *Surface) modelRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: get, Pattern: "/api/v1/models", OperationID: "listCallableModels", Access: models, Handler: s.callableModels},
		{Method: get, Pattern: "/api/v1/playground/models", OperationID: "listPlaygroundModels", Access: models, Handler: s.callableModels},
		{Method: get, Pattern: "/api/v1/public/catalog/providers", OperationID: "listPublicCatalogProviders", Access: public, Handler: s.listProviders},
		{Method: get, Pattern: "/api/v1/public/catalog/base-models", OperationID: "listPublicBaseModels", Access: public, Handler: s.listBaseModels},
		{Method: get, Pattern: "/api/admin/catalog/providers", OperationID: "listAdminCatalogProviders", Access: public, Handler: s.listProviders},
		{Method: get, Pattern: "/api/admin/catalog/base-models", OperationID: "listAdminBaseModels", Access: public, Handler: s.listBaseModels},
		{Method: post, Pattern: "/api/admin/catalog/providers", OperationID: "createAdminCatalogProvider", Access: connect, Handler: s.createProvider},
		{Method: patch, Pattern: "/api/admin/catalog/providers/{providerID}", OperationID: "updateAdminCatalogProvider", Access: connect, Handler: s.updateProvider},
		{Method: del, Pattern: "/api/admin/catalog/providers/{providerID}", OperationID: "deleteAdminCatalogProvider", Access: connect, Handler: s.deleteProvider},
		{Method: post, Pattern: "/api/admin/catalog/base-models", OperationID: "createAdminBaseModel", Access: connect, Handler: s.createBaseModel},
		{Method: patch, Pattern: "/api/admin/catalog/base-models/{baseModelID}", OperationID: "updateAdminBaseModel", Access: connect, Handler: s.updateBaseModel},
		{Method: del, Pattern: "/api/admin/catalog/base-models/{baseModelID}", OperationID: "deleteAdminBaseModel", Access: connect, Handler: s.deleteBaseModel},
		{Method: post, Pattern: "/api/admin/catalog/base-models/{baseModelID}/reset", OperationID: "resetAdminBaseModel", Access: connect, Handler: s.resetBaseModel},
		{Method: post, Pattern: "/api/admin/catalog/base-models/reset-all", OperationID: "resetAllAdminBaseModels", Access: connect, Handler: s.resetBaseModels},
		{Method: get, Pattern: "/api/v1/model-catalog", OperationID: "listModelCatalog", Access: models, Handler: s.modelCatalog},
		{Method: get, Pattern: "/api/v1/platforms", OperationID: "listAvailablePlatforms", Access: models, Handler: s.availablePlatforms},
		{Method: post, Pattern: "/api/v1/pricing/estimate", OperationID: "estimatePricing", Access: models, Handler: s.estimatePricing},
	}
}

// historyRoutes are what a caller has asked for and paid.
func (s *Surface) historyRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: get, Pattern: "/api/workspace/tasks", OperationID: "listWorkspaceTasks", Access: reader, Handler: s.listTasks},
		{Method: get, Pattern: "/api/workspace/tasks/{taskID}", OperationID: "getWorkspaceTask", Access: reader, Handler: s.getTask},
		{Method: get, Pattern: "/api/v1/tasks", OperationID: "listTasks", Access: reader, Handler: s.listTasks},
		{Method: get, Pattern: "/api/v1/tasks/{taskID}", OperationID: "getTask", Access: reader, Handler: s.getTask},
		{Method: get, Pattern: "/api/workspace/tasks/{taskID}/events", OperationID: "streamWorkspaceTaskEvents", Access: reader, Handler: s.streamTaskEvents},
		{Method: get, Pattern: "/api/v1/tasks/{taskID}/events", OperationID: "streamTaskEvents", Access: reader, Handler: s.streamTaskEvents},
		{Method: get, Pattern: "/api/workspace/tasks/{taskID}/param-preprocessing", OperationID: "listWorkspaceTaskParamPreprocessing", Access: reader, Handler: s.listParamPreprocessing},
		{Method: get, Pattern: "/api/v1/tasks/{taskID}/param-preprocessing", OperationID: "listTaskParamPreprocessing", Access: reader, Handler: s.listParamPreprocessing},
		{Method: get, Pattern: "/api/workspace/wallet", OperationID: "getWorkspaceWallet", Access: owner, Handler: s.getWallet},
		{Method: get, Pattern: "/api/workspace/wallet/transactions", OperationID: "listWorkspaceWalletTransactions", Access: owner, Handler: s.listTransactions},
	}
}

// platformRoutes are the upstream accounts and what they serve.
func (s *Surface) platformRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: get, Pattern: "/api/admin/platforms", OperationID: "listAdminPlatforms", Access: look, Handler: s.listPlatforms},
		{Method: post, Pattern: "/api/admin/platforms", OperationID: "createAdminPlatform", Access: connect, Handler: s.createPlatform},
		{Method: patch, Pattern: "/api/admin/platforms/{platformID}", OperationID: "updateAdminPlatform", Access: connect, Handler: s.replacePlatform},
		{Method: del, Pattern: "/api/admin/platforms/{platformID}", OperationID: "deleteAdminPlatform", Access: connect, Handler: s.deletePlatform},
		{Method: post, Pattern: "/api/admin/platforms/{platformID}/models", OperationID: "createAdminPlatformModelForPlatform", Access: connect, Handler: s.createModelOfPlatform},
		{Method: put, Pattern: "/api/admin/platforms/{platformID}/models", OperationID: "replaceAdminPlatformModels", Access: connect, Handler: s.replaceModels},
		{Method: patch, Pattern: "/api/admin/platforms/{platformID}/dynamic-priority", OperationID: "updateAdminPlatformDynamicPriority", Access: connect, Handler: s.setDynamicPriority},
		{Method: del, Pattern: "/api/admin/platform-models/{modelID}", OperationID: "deleteAdminPlatformModel", Access: connect, Handler: s.deleteModel},
		{Method: post, Pattern: "/api/admin/platform-models", OperationID: "createAdminPlatformModel", Access: connect, Handler: s.createModel},
		{Method: get, Pattern: "/api/admin/models", OperationID: "listAdminPlatformModels", Access: look, Handler: s.listModels},
	}
}

// peopleRoutes are tenants, groups, users, and what they may do.
func (s *Surface) peopleRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: get, Pattern: "/api/admin/access-rules", OperationID: "listAdminAccessRules", Access: chief, Handler: s.listAccessRules},
		{Method: post, Pattern: "/api/admin/access-rules", OperationID: "createAdminAccessRule", Access: chief, Handler: s.createAccessRule},
		{Method: patch, Pattern: "/api/admin/access-rules/{ruleID}", OperationID: "updateAdminAccessRule", Access: chief, Handler: s.updateAccessRule},
		{Method: del, Pattern: "/api/admin/access-rules/{ruleID}", OperationID: "deleteAdminAccessRule", Access: chief, Handler: s.deleteAccessRule},
		{Method: post, Pattern: "/api/admin/access-rules/batch", OperationID: "batchAdminAccessRules", Access: chief, Handler: s.batchAccessRules},
		{Method: get, Pattern: "/api/admin/tenants", OperationID: "listAdminTenants", Access: people, Handler: s.listTenants},
		{Method: post, Pattern: "/api/admin/tenants", OperationID: "createAdminTenant", Access: admin, Handler: s.createTenant},
		{Method: patch, Pattern: "/api/admin/tenants/{tenantID}", OperationID: "updateAdminTenant", Access: admin, Handler: s.changeTenant},
		{Method: del, Pattern: "/api/admin/tenants/{tenantID}", OperationID: "deleteAdminTenant", Access: admin, Handler: s.deleteTenant},
		{Method: get, Pattern: "/api/admin/user-groups", OperationID: "listAdminUserGroups", Access: people, Handler: s.listGroups},
		{Method: post, Pattern: "/api/admin/user-groups", OperationID: "createAdminUserGroup", Access: chief, Handler: s.createGroup},
		{Method: patch, Pattern: "/api/admin/user-groups/{groupID}", OperationID: "updateAdminUserGroup", Access: chief, Handler: s.changeGroup},
		{Method: del, Pattern: "/api/admin/user-groups/{groupID}", OperationID: "deleteAdminUserGroup", Access: chief, Handler: s.deleteGroup},
		{Method: get, Pattern: "/api/admin/users", OperationID: "listAdminUsers", Access: people, Handler: s.listUsers},
		{Method: post, Pattern: "/api/admin/users", OperationID: "createAdminUser", Access: chief, Handler: s.createUser},
		{Method: patch, Pattern: "/api/admin/users/{userID}", OperationID: "updateAdminUser", Access: chief, Handler: s.changeUser},
		{Method: del, Pattern: "/api/admin/users/{userID}", OperationID: "deleteAdminUser", Access: chief, Handler: s.deleteUser},
		{Method: patch, Pattern: "/api/admin/users/{userID}/wallet", OperationID: "setAdminUserWalletBalance", Access: finance, Handler: s.setBalance},
		{Method: get, Pattern: "/api/admin/audit-logs", OperationID: "listAdminAuditLogs", Access: admin, Handler: s.listAudit},
	}
}

// policyRoutes are prices and policies, and what they do at the moment.
func (s *Surface) policyRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: get, Pattern: "/api/admin/pricing/rule-sets", OperationID: "listAdminPricingRuleSets", Access: priced, Handler: s.listRuleSets},
		{Method: post, Pattern: "/api/admin/pricing/rule-sets", OperationID: "createAdminPricingRuleSet", Access: finance, Handler: s.createRuleSet},
		{Method: patch, Pattern: "/api/admin/pricing/rule-sets/{ruleSetID}", OperationID: "updateAdminPricingRuleSet", Access: finance, Handler: s.updateRuleSet},
		{Method: del, Pattern: "/api/admin/pricing/rule-sets/{ruleSetID}", OperationID: "deleteAdminPricingRuleSet", Access: finance, Handler: s.deleteRuleSet},
		{Method: get, Pattern: "/api/admin/pricing/rules", OperationID: "listAdminPricingRules", Access: priced, Handler: s.listRules},
		{Method: get, Pattern: "/api/admin/runtime/policy-sets", OperationID: "listAdminRuntimePolicySets", Access: look, Handler: s.listPolicySets},
		{Method: post, Pattern: "/api/admin/runtime/policy-sets", OperationID: "createAdminRuntimePolicySet", Access: connect, Handler: s.createPolicySet},
		{Method: patch, Pattern: "/api/admin/runtime/policy-sets/{policySetID}", OperationID: "updateAdminRuntimePolicySet", Access: connect, Handler: s.updatePolicySet},
		{Method: del, Pattern: "/api/admin/runtime/policy-sets/{policySetID}", OperationID: "deleteAdminRuntimePolicySet", Access: connect, Handler: s.deletePolicySet},
		{Method: get, Pattern: "/api/admin/runtime/runner-policy", OperationID: "getAdminRunnerPolicy", Access: look, Handler: s.getRunnerPolicy},
		{Method: patch, Pattern: "/api/admin/runtime/runner-policy", OperationID: "updateAdminRunnerPolicy", Access: connect, Handler: s.updateRunnerPolicy},
		{Method: get, Pattern: "/api/admin/runtime/rate-limit-windows", OperationID: "listAdminRateLimitWindows", Access: look, Handler: s.listWindows},
		{Method: get, Pattern: "/api/admin/runtime/model-rate-limits", OperationID: "listAdminModelRateLimits", Access: look, Handler: s.listModelStatuses},
		{Method: get, Pattern: "/api/admin/config/network-proxy", OperationID: "getAdminNetworkProxyConfig", Access: connect, Handler: s.getNetworkProxy},
	}
}

// systemRoutes need nobody to be known.
func (s *Surface) systemRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: get, Pattern: "/static/simulation/{asset}", OperationID: "getSimulationAsset", Access: public, Handler: s.simulationAsset},
		{Method: get, Pattern: "/healthz", OperationID: "getHealthz", Access: public, Handler: s.health},
		{Method: get, Pattern: "/readyz", OperationID: "getReadyz", Access: public, Handler: s.ready},
	}
}
