// Package gateway serves the EasyAI gateway API.
package gateway

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Routes lists the operations of the surface.
func (s *Surface) Routes() []httpx.Route {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	var (
		public  = httpx.Public()
		anyone  = httpx.Anyone()
		owner   = httpx.Scoped(identity.ScopeAll)
		models  = httpx.Scoped(identity.ScopeModels)
		reader  = httpx.Scoped(identity.ScopeTasks)
		person  = httpx.Person()
		connect = httpx.Person(identity.RoleAdmin, identity.RoleOperator)
		look    = httpx.Person(identity.RoleAdmin, identity.RoleOperator, identity.RoleSupport)
		people  = httpx.Person(identity.RoleAdmin, identity.RoleSupport, identity.RoleFinance)
		finance = httpx.Person(identity.RoleAdmin, identity.RoleFinance)
		admin   = httpx.Person(identity.RoleAdmin)
	)
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

		{Method: get, Pattern: "/api/admin/config/network-proxy", OperationID: "getAdminNetworkProxyConfig", Access: look, Handler: s.networkProxy},
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
		{Method: get, Pattern: "/api/admin/access-rules", OperationID: "listAdminAccessRules", Access: admin, Handler: s.listAccessRules},
		{Method: post, Pattern: "/api/admin/access-rules", OperationID: "createAdminAccessRule", Access: admin, Handler: s.createAccessRule},
		{Method: patch, Pattern: "/api/admin/access-rules/{ruleID}", OperationID: "updateAdminAccessRule", Access: admin, Handler: s.updateAccessRule},
		{Method: del, Pattern: "/api/admin/access-rules/{ruleID}", OperationID: "deleteAdminAccessRule", Access: admin, Handler: s.deleteAccessRule},
		{Method: post, Pattern: "/api/admin/access-rules/batch", OperationID: "batchAdminAccessRules", Access: admin, Handler: s.batchAccessRules},
		{Method: get, Pattern: "/api/admin/users", OperationID: "listAdminUsers", Access: people, Handler: s.listUsers},
		{Method: post, Pattern: "/api/admin/users", OperationID: "createAdminUser", Access: admin, Handler: s.createUser},
		{Method: patch, Pattern: "/api/admin/users/{userID}/wallet", OperationID: "setAdminUserWalletBalance", Access: finance, Handler: s.setBalance},
		{Method: get, Pattern: "/api/admin/audit-logs", OperationID: "listAdminAuditLogs", Access: admin, Handler: s.listAudit},

		{Method: get, Pattern: "/static/simulation/{asset}", OperationID: "getSimulationAsset", Access: public, Handler: s.simulationAsset},

		{Method: get, Pattern: "/healthz", OperationID: "getHealthz", Access: public, Handler: s.health},
		{Method: get, Pattern: "/readyz", OperationID: "getReadyz", Access: public, Handler: s.ready},
	}
}
