package console

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Routes lists the operations of the surface.
func (s *Surface) Routes() []httpx.Route {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	var (
		public  = httpx.Public()
		person  = httpx.Person()
		rules   = httpx.Person(identity.RoleAdmin).Named("routes.write")
		connect = httpx.Person(identity.RoleAdmin, identity.RoleOperator).Named("platforms.write")
		look    = httpx.Person(identity.RoleAdmin, identity.RoleOperator, identity.RoleSupport).Named("platforms.read")
		adjust  = httpx.Person(identity.RoleAdmin, identity.RoleFinance).Named("wallets.adjust")
		explain = httpx.Person(identity.RoleAdmin).Named("routes.explain")
	)
	return []httpx.Route{
		{Method: get, Pattern: "/api/console/bootstrap", OperationID: "getBootstrap", Access: public, Handler: s.bootstrap},
		{Method: post, Pattern: "/api/console/setup", OperationID: "createFirstAdministrator", Access: public, Handler: s.setup},
		{Method: post, Pattern: "/api/console/session", OperationID: "createSession", Access: public, Handler: s.signIn},
		{Method: get, Pattern: "/api/console/session", OperationID: "renewSession", Access: public, Handler: s.renew},
		{Method: del, Pattern: "/api/console/session", OperationID: "deleteSession", Access: public, Handler: s.signOut},
		{Method: get, Pattern: "/api/console/oidc/start", OperationID: "startOidcSignIn", Access: public, Handler: s.startOIDC},
		{Method: get, Pattern: "/api/console/oidc/callback", OperationID: "finishOidcSignIn", Access: public, Handler: s.finishOIDC},
		{Method: get, Pattern: "/api/console/capabilities", OperationID: "getCapabilities", Access: person, Handler: s.capabilities},
		{Method: get, Pattern: "/api/console/preferences", OperationID: "getPreferences", Access: person, Handler: s.getPreferences},
		{Method: put, Pattern: "/api/console/preferences", OperationID: "replacePreferences", Access: person, Handler: s.putPreferences},
		{Method: get, Pattern: "/api/console/tasks/{taskID}/ledger", OperationID: "getTaskLedger", Access: person, Handler: s.taskLedger},
		{Method: post, Pattern: "/api/console/tasks/{taskID}/cancel", OperationID: "cancelTask", Access: person, Handler: s.cancelTask},
		{Method: get, Pattern: "/api/console/models", OperationID: "listCallableModels", Access: person, Handler: s.models},
		{Method: get, Pattern: "/api/console/adapters", OperationID: "listAdapters", Access: connect, Handler: s.adapters},
		{Method: post, Pattern: "/api/console/platforms/test", OperationID: "testPlatform", Access: connect, Handler: s.testPlatform},
		{Method: post, Pattern: "/api/console/platforms/connect", OperationID: "connectPlatform", Access: connect, Handler: s.connectPlatform},
		{Method: get, Pattern: "/api/console/platforms/{platformID}/credentials", OperationID: "listPlatformCredentials", Access: look, Handler: s.listCredentials},
		{Method: post, Pattern: "/api/console/platforms/{platformID}/credentials/{credentialID}/enable", OperationID: "enablePlatformCredential", Access: connect, Handler: s.enableCredential},
		{Method: get, Pattern: "/api/console/policy-events", OperationID: "listPolicyEvents", Access: look, Handler: s.listPolicyEvents},
		{Method: get, Pattern: "/api/console/wallets/{userID}", OperationID: "listUserWallets", Access: adjust, Handler: s.listWallets},
		{Method: post, Pattern: "/api/console/wallets/{userID}/grants", OperationID: "grantToWallet", Access: adjust, Handler: s.grantToWallet},
		{Method: post, Pattern: "/api/console/wallets/{userID}/refunds", OperationID: "refundToWallet", Access: adjust, Handler: s.refundToWallet},
		{Method: put, Pattern: "/api/console/wallets/{userID}/overdraft", OperationID: "setWalletOverdraft", Access: adjust, Handler: s.setOverdraft},
		{Method: post, Pattern: "/api/console/routes/explain", OperationID: "explainRoute", Access: explain, Handler: s.explainRoute},
		{Method: get, Pattern: "/api/console/routes", OperationID: "listModelRoutes", Access: rules, Handler: s.listRoutes},
		{Method: get, Pattern: "/api/console/routes/{alias}", OperationID: "getModelRoute", Access: rules, Handler: s.getRoute},
		{Method: put, Pattern: "/api/console/routes/{alias}", OperationID: "replaceModelRoute", Access: rules, Handler: s.putRoute},
		{Method: del, Pattern: "/api/console/routes/{alias}", OperationID: "deleteModelRoute", Access: rules, Handler: s.deleteRoute},
	}
}
