package gateway_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// onBoth runs a test with what identity keeps in either database.
func onBoth(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	for name, options := range map[string]func(*testing.T) store.Options{
		"sqlite": func(t *testing.T) store.Options {
			t.Helper()
			return store.Options{Path: filepath.Join(t.TempDir(), "gantry.db")}
		},
		"postgres": func(t *testing.T) store.Options { t.Helper(); return store.Options{URL: pgtest.New(t), MaxReaders: 4} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), options(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			test(t, worldOf(t, surfacetest.NewOn(t, identity.Config{}, s.Identity(), s.Settings())))
		})
	}
}

// made sends a request that makes something and returns its id.
func (w *world) made(t *testing.T, r surfacetest.Request) string {
	t.Helper()
	r.Golden = true
	var out struct{ ID string }
	w.Check(t, w.contract, r).JSON(t, &out)
	return out.ID
}

const acmeTenant = `{"tenantKey":"acme","name":"Acme","description":"A customer","planKey":"pro","externalTenantId":"org-7",
	"source":"crm","authPolicy":{"passwordLogin":true,"invitationCode":"welcome to acme"},"rateLimitPolicy":{"rpm":60},
	"billingProfile":{"billingDiscountPolicy":{"default":0.9},"quotaPolicy":{"currency":"USD","day":"5"},"overdraft":{"USD":"1"}},
	"metadata":{"crm":7}}`

func TestTenantOperations(t *testing.T) {
	t.Parallel()
	onBoth(t, testTenantOperations)
}

func testTenantOperations(t *testing.T, w *world) {
	t.Helper()
	const path = "/api/admin/tenants"
	acme := path + "/" + w.made(t, surfacetest.Request{Name: "tenant created", As: "admin", Method: post, Path: path, Body: acmeTenant, Operation: "createAdminTenant", Status: 201})
	other := path + "/" + w.made(t, surfacetest.Request{Name: "tenant created with what is needed", As: "admin", Method: post, Path: path, Body: `{"tenantKey":"bare","name":"Bare"}`, Operation: "createAdminTenant", Status: 201})
	home := path + "/" + w.User("admin").TenantID.String()
	create := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: post, Path: path, Body: body, Operation: "createAdminTenant", Status: status, Code: code, At: at}
	}
	change := func(name, path, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: patch, Path: path, Body: body, Operation: "updateAdminTenant", Status: status, Code: code, At: at, Golden: status == 200}
	}
	w.run(t, []surfacetest.Request{
		create("no key", `{"name":"n"}`, 400, "invalid_parameter", "tenantKey"),
		create("no name", `{"tenantKey":"k"}`, 400, "invalid_parameter", "name"),
		create("odd key", `{"tenantKey":"A b","name":"n"}`, 400, "invalid_parameter", "tenantKey"),
		create("odd status", `{"tenantKey":"k","name":"n","status":"gone"}`, 400, "invalid_parameter", "status"),
		create("key taken", `{"tenantKey":"acme","name":"n"}`, 409, "tenant_key_taken", "tenantKey"),
		create("external id taken", `{"tenantKey":"k","name":"n","externalTenantId":"org-7"}`, 409, "external_tenant_taken", "externalTenantId"),
		create("invitation taken", `{"tenantKey":"k","name":"n","authPolicy":{"invitationCode":"welcome to acme"}}`, 409, "invitation_taken", "authPolicy.invitationCode"),
		create("unknown policy of sign-in", `{"tenantKey":"k","name":"n","authPolicy":{"sso":true}}`, 400, "invalid_parameter", "authPolicy.sso"),
		create("wrong type of sign-in", `{"tenantKey":"k","name":"n","authPolicy":{"passwordLogin":"no"}}`, 400, "invalid_parameter", "authPolicy.passwordLogin"),
		create("unknown profile", `{"tenantKey":"k","name":"n","billingProfile":{"credit":1}}`, 400, "invalid_parameter", "billingProfile.credit"),
		create("free of charge", `{"tenantKey":"k","name":"n","billingProfile":{"billingDiscountPolicy":{"default":0}}}`, 400, "discount_invalid", "billingProfile.billingDiscountPolicy.default"),
		create("unknown discount", `{"tenantKey":"k","name":"n","billingProfile":{"billingDiscountPolicy":{"all":1}}}`, 400, "discount_invalid", "billingProfile.billingDiscountPolicy.all"),
		create("no quota", `{"tenantKey":"k","name":"n","billingProfile":{"quotaPolicy":{"currency":"USD"}}}`, 400, "invalid_parameter", "billingProfile.quotaPolicy"),
		create("overdraft as a number", `{"tenantKey":"k","name":"n","billingProfile":{"overdraft":{"USD":1}}}`, 400, "policy_invalid", "billingProfile.overdraft.USD"),
		create("unknown limit", `{"tenantKey":"k","name":"n","rateLimitPolicy":{"rps":1}}`, 400, "invalid_parameter", "rateLimitPolicy.rps"),
		create("metadata that is no object", `{"tenantKey":"k","name":"n","metadata":[1]}`, 400, "invalid_parameter", "metadata"),
		create("a group of nobody", `{"tenantKey":"k","name":"n","defaultUserGroupId":"`+id.New().String()+`"}`, 400, "invalid_parameter", "defaultUserGroupId"),
		create("no id", `{"tenantKey":"k","name":"n","defaultUserGroupId":"7"}`, 400, "invalid_parameter", "defaultUserGroupId"),
		{Name: "tenants", As: "support", Method: get, Path: path, Operation: "listAdminTenants", Status: 200, Golden: true},
		change("tenant renamed", acme, `{"name":"Acme Inc"}`, 200, "", ""),
		change("tenant policies replaced", acme, `{"authPolicy":{"passwordLogin":false,"invitationCode":"***"},"billingProfile":{},"rateLimitPolicy":null}`, 200, "", ""),
		change("tenant key taken by another", other, `{"tenantKey":"acme"}`, 409, "tenant_key_taken", "tenantKey"),
		change("someone else's group", acme, `{"defaultUserGroupId":"`+w.User("user").GroupID.String()+`"}`, 400, "invalid_parameter", "defaultUserGroupId"),
		change("the default tenant disabled", home, `{"status":"disabled"}`, 409, "default_tenant", ""),
		change("the default tenant under another key", home, `{"tenantKey":"main"}`, 409, "default_tenant", ""),
		change("unknown tenant", path+"/"+id.New().String(), `{"name":"x"}`, 404, "not_found", ""),
		change("a tenant that is no id", path+"/x", `{"name":"x"}`, 404, "not_found", ""),
		{Name: "delete the default tenant", As: "admin", Method: del, Path: home, Operation: "deleteAdminTenant", Status: 409, Code: "default_tenant"},
		{Name: "delete unknown tenant", As: "admin", Method: del, Path: path + "/" + id.New().String(), Operation: "deleteAdminTenant", Status: 404, Code: "not_found"},
		{Name: "delete tenant as operator", As: "operator", Method: del, Path: other, Operation: "deleteAdminTenant", Status: 403, Code: "forbidden"},
		{Name: "delete tenant as nobody", Method: del, Path: other, Operation: "deleteAdminTenant", Status: 401, Code: "unauthorized"},
		{Name: "delete tenant", As: "admin", Method: del, Path: other, Operation: "deleteAdminTenant", Status: 204},
		{Name: "delete tenant again", As: "admin", Method: del, Path: other, Operation: "deleteAdminTenant", Status: 404, Code: "not_found"},
		{Name: "invitation refused", Method: post, Path: "/api/v1/auth/register", Body: `{"username":"eve","password":"correct horse","invitationCode":"welcome to nobody"}`, Operation: "register", Status: 403, Code: "invitation_invalid", At: "invitationCode"},
		{Name: "invited into a tenant", Method: post, Path: "/api/v1/auth/register", Body: `{"username":"eva","password":"correct horse","invitationCode":"welcome to acme"}`, Operation: "register", Status: 201, Golden: true},
		{Name: "sign-in elsewhere only", Method: post, Path: "/api/v1/auth/login", Body: `{"account":"eva","password":"correct horse"}`, Operation: "login", Status: 403, Code: "password_login_disabled"},
		{Name: "a wrong password tells nothing", Method: post, Path: "/api/v1/auth/login", Body: `{"account":"eva","password":"correct house"}`, Operation: "login", Status: 401, Code: "unauthorized"},
		{Name: "delete tenant with users", As: "admin", Method: del, Path: acme, Operation: "deleteAdminTenant", Status: 409, Code: "tenant_in_use"},
	})
	if text := w.auditText(); strings.Contains(text, "welcome to acme") {
		t.Errorf("the audit log shows the invitation: %s", text)
	}
	if actions := w.Actions(); !slices.Contains(actions, "tenant.created") || !slices.Contains(actions, "tenant.deleted") {
		t.Errorf("announced %v", actions)
	}
}

func (w *world) auditText() string {
	a := w.Do(w.T(), surfacetest.Request{As: "admin", Method: get, Path: "/api/admin/audit-logs?limit=1000"})
	return string(a.Body)
}

const goldGroup = `{"groupKey":"gold","name":"Gold","description":"Good customers","priority":5,"source":"crm","status":"active",
	"billingDiscountPolicy":{"default":0.5,"models":{"chat-9":0.25}},"rechargeDiscountPolicy":{"default":0.95,"currencies":{"USD":0.9}},
	"rateLimitPolicy":{"rpm":10,"windows":[{"metric":"images","limit":3,"windowSeconds":60}]},
	"quotaPolicy":{"currency":"USD","month":"100","soft":"0.8"},"metadata":{"a":1}}`

func TestUserGroupOperations(t *testing.T) {
	t.Parallel()
	onBoth(t, testUserGroupOperations)
}

func testUserGroupOperations(t *testing.T, w *world) {
	t.Helper()
	const path = "/api/admin/user-groups"
	acme := w.PopulateTenant()
	gold := path + "/" + w.made(t, surfacetest.Request{Name: "group created", As: "admin", Method: post, Path: path, Body: goldGroup, Operation: "createAdminUserGroup", Status: 201})
	theirs := path + "/" + w.made(t, surfacetest.Request{Name: "group of a tenant", As: "admin", Method: post, Path: path, Body: `{"groupKey":"gold","name":"Gold","tenantId":"` + acme.ID.String() + `","billingDiscountPolicy":{"default":0.8}}`, Operation: "createAdminUserGroup", Status: 201})
	standard := path + "/" + w.User("user").GroupID.String()
	create := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: post, Path: path, Body: body, Operation: "createAdminUserGroup", Status: status, Code: code, At: at}
	}
	change := func(name, who, path, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: who, Method: patch, Path: path, Body: body, Operation: "updateAdminUserGroup", Status: status, Code: code, At: at, Golden: status == 200}
	}
	remove := func(name, who, path string, status int, code string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: who, Method: del, Path: path, Operation: "deleteAdminUserGroup", Status: status, Code: code}
	}
	w.run(t, []surfacetest.Request{
		create("group without key", `{"name":"n"}`, 400, "invalid_parameter", "groupKey"),
		create("group without name", `{"groupKey":"k"}`, 400, "invalid_parameter", "name"),
		create("group key taken", `{"groupKey":"gold","name":"n"}`, 409, "group_key_taken", "groupKey"),
		create("group of no tenant", `{"groupKey":"k","name":"n","tenantId":"`+id.New().String()+`"}`, 400, "invalid_parameter", "tenantId"),
		create("unknown key of a discount", `{"groupKey":"k","name":"n","billingDiscountPolicy":{"factor":1}}`, 400, "discount_invalid", "billingDiscountPolicy.factor"),
		create("negative factor", `{"groupKey":"k","name":"n","billingDiscountPolicy":{"models":{"m":-1}}}`, 400, "discount_invalid", "billingDiscountPolicy.models.m"),
		create("unknown key of a recharge", `{"groupKey":"k","name":"n","rechargeDiscountPolicy":{"bonus":1}}`, 400, "discount_invalid", "rechargeDiscountPolicy.bonus"),
		create("unknown currency of a recharge", `{"groupKey":"k","name":"n","rechargeDiscountPolicy":{"currencies":{"XXX":1}}}`, 400, "discount_invalid", "rechargeDiscountPolicy.currencies.XXX"),
		create("limit of nothing", `{"groupKey":"k","name":"n","rateLimitPolicy":{"rpm":0}}`, 400, "invalid_parameter", "rateLimitPolicy.rpm"),
		create("unknown metric", `{"groupKey":"k","name":"n","rateLimitPolicy":{"windows":[{"metric":"words","limit":1,"windowSeconds":1}]}}`, 400, "invalid_parameter", "rateLimitPolicy.windows[0].metric"),
		create("unknown key of a quota", `{"groupKey":"k","name":"n","quotaPolicy":{"currency":"USD","week":"1"}}`, 400, "invalid_parameter", "quotaPolicy.week"),
		create("priority as a text", `{"groupKey":"k","name":"n","priority":"1"}`, 400, "invalid_json", "priority"),
		{Name: "groups", As: "finance", Method: get, Path: path, Operation: "listAdminUserGroups", Status: 200, Golden: true},
		{Name: "groups of the own tenant", As: "tenant-admin", Method: get, Path: path, Operation: "listAdminUserGroups", Status: 200, Golden: true},
		change("group changed", "admin", gold, `{"priority":0,"description":""}`, 200, "", ""),
		change("group policies emptied", "admin", gold, `{"billingDiscountPolicy":null,"quotaPolicy":{},"status":"disabled"}`, 200, "", ""),
		change("group key of another", "admin", gold, `{"groupKey":"default"}`, 409, "group_key_taken", "groupKey"),
		change("default group disabled", "admin", standard, `{"status":"disabled"}`, 409, "default_group", ""),
		change("default group limited", "admin", standard, `{"rateLimitPolicy":{"rpm":1000}}`, 200, "", ""),
		change("unknown group", "admin", path+"/"+id.New().String(), `{}`, 404, "not_found", ""),
		change("group as a user", "user", gold, `{}`, 403, "forbidden", ""),
		change("group as nobody", "", gold, `{}`, 401, "unauthorized", ""),
		change("another tenant's group", "tenant-admin", gold, `{"name":"mine"}`, 404, "not_found", ""),
		change("own group's limits", "tenant-admin", theirs, `{"rateLimitPolicy":{"rpm":5},"billingDiscountPolicy":{"default":0.8}}`, 200, "", ""),
		change("own group's discount", "tenant-admin", theirs, `{"billingDiscountPolicy":{"default":0.01}}`, 403, "forbidden", "billingDiscountPolicy"),
		remove("delete another tenant's group", "tenant-admin", gold, 404, "not_found"),
		remove("delete default group", "admin", standard, 409, "default_group"),
		remove("delete group", "admin", gold, 204, ""),
		remove("delete group again", "admin", gold, 404, "not_found"),
	})
	w.run(t, []surfacetest.Request{
		{Name: "join group", As: "tenant-admin", Method: patch, Path: "/api/admin/users/" + w.User("tenant-user").ID.String(), Body: `{"defaultUserGroupId":"` + strings.TrimPrefix(theirs, path+"/") + `"}`, Operation: "updateAdminUser", Status: 200},
		remove("delete group with members", "tenant-admin", theirs, 409, "group_in_use"),
	})
}

func TestUserOperations(t *testing.T) {
	t.Parallel()
	onBoth(t, testUserOperations)
}

func testUserOperations(t *testing.T, w *world) {
	t.Helper()
	const path = "/api/admin/users"
	acme := w.PopulateTenant()
	bob := path + "/" + w.made(t, surfacetest.Request{
		Name: "user created", As: "admin", Method: post, Path: path, Operation: "createAdminUser", Status: 201,
		Body: `{"userKey":"bob","email":"bob@example.org","phone":"1","displayName":"Bob","avatarUrl":"/b.png","roles":["operator","user"],"status":"active","source":"crm","externalUserId":"7","tenantKey":"acme","authProfile":{"passwordLogin":true},"metadata":{"a":1}}`,
	})
	create := func(name, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: "admin", Method: post, Path: path, Body: body, Operation: "createAdminUser", Status: status, Code: code, At: at}
	}
	change := func(name, who, path, body string, status int, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: who, Method: patch, Path: path, Body: body, Operation: "updateAdminUser", Status: status, Code: code, At: at, Golden: status == 200}
	}
	remove := func(name, who, path string, status int, code string) surfacetest.Request {
		return surfacetest.Request{Name: name, As: who, Method: del, Path: path, Operation: "deleteAdminUser", Status: status, Code: code}
	}
	of := func(name string) string { return path + "/" + w.User(name).ID.String() }
	home, group := w.User("user").TenantID.String(), w.User("user").GroupID.String()
	w.run(t, []surfacetest.Request{
		create("name and key differ", `{"username":"x-1","userKey":"x-2"}`, 400, "invalid_parameter", "userKey"),
		create("short password", `{"username":"x-1","password":"1234567"}`, 400, "invalid_parameter", "password"),
		create("no tenant", `{"username":"x-1","tenantKey":"nobody"}`, 400, "invalid_parameter", "tenantKey"),
		create("no such tenant", `{"username":"x-1","gatewayTenantId":"`+id.New().String()+`"}`, 400, "invalid_parameter", "tenantId"),
		create("a group of another tenant", `{"username":"x-1","tenantKey":"acme","defaultUserGroupId":"`+group+`"}`, 400, "invalid_parameter", "defaultUserGroupId"),
		create("a person of two users", `{"username":"x-1","source":"crm","externalUserId":"7"}`, 409, "external_user_taken", "externalUserId"),
		create("an e-mail of two users", `{"username":"x-1","email":"BOB@example.org"}`, 409, "email_taken", "email"),
		create("unknown profile of sign-in", `{"username":"x-1","authProfile":{"mfa":true}}`, 400, "invalid_parameter", "authProfile.mfa"),
		{Name: "a tenant's users", As: "tenant-admin", Method: get, Path: path, Operation: "listAdminUsers", Status: 200, Golden: true},
		change("user changed", "admin", bob, `{"displayName":"Bobby","roles":["user"],"email":null}`, 200, "", ""),
		change("user emptied", "admin", bob, `{"phone":"","avatarUrl":"","defaultUserGroupId":"","externalUserId":"","metadata":null,"authProfile":{"passwordLogin":false}}`, 200, "", ""),
		change("user with the own tenant", "admin", bob, `{"tenantKey":"acme","gatewayTenantId":"`+acme.ID.String()+`"}`, 200, "", ""),
		change("moved to another tenant", "admin", bob, `{"gatewayTenantId":"`+home+`"}`, 409, "tenant_fixed", "tenantId"),
		change("username taken", "admin", bob, `{"username":"USER"}`, 409, "username_taken", "username"),
		change("bad email", "admin", bob, `{"email":"x"}`, 400, "invalid_parameter", "email"),
		change("bad status", "admin", bob, `{"status":"deleted"}`, 400, "invalid_parameter", "status"),
		change("bad role", "admin", bob, `{"roles":["root"]}`, 400, "invalid_parameter", "roles"),
		change("bad password", "admin", bob, `{"password":"short"}`, 400, "invalid_parameter", "password"),
		change("roles as a text", "admin", bob, `{"roles":"admin"}`, 400, "invalid_json", "roles"),
		change("unknown user changed", "admin", path+"/"+id.New().String(), `{}`, 404, "not_found", ""),
		change("user as a user", "user", bob, `{}`, 403, "forbidden", ""),
		change("user as nobody", "", bob, `{}`, 401, "unauthorized", ""),
		change("last administrator demoted", "admin", of("admin"), `{"roles":["user"]}`, 409, "last_administrator", ""),
		change("last administrator disabled", "admin", of("admin"), `{"status":"disabled"}`, 409, "last_administrator", ""),
		remove("last administrator deleted", "admin", of("admin"), 409, "last_administrator"),

		change("another tenant's user", "tenant-admin", of("user"), `{"displayName":"mine"}`, 404, "not_found", ""),
		remove("delete another tenant's user", "tenant-admin", of("user"), 404, "not_found"),
		change("own tenant's user", "tenant-admin", of("tenant-user"), `{"roles":["support"],"metadata":{"team":"a"}}`, 200, "", ""),
		change("a role above", "tenant-admin", of("tenant-user"), `{"roles":["admin"]}`, 403, "forbidden", "roles"),
		change("a role outside", "tenant-admin", of("tenant-user"), `{"roles":["operator"]}`, 403, "forbidden", "roles"),
		change("a link to a provider", "tenant-admin", of("tenant-user"), `{"externalUserId":"ceo"}`, 403, "forbidden", "externalUserId"),
		change("own name", "tenant-admin", of("tenant-admin"), `{"displayName":"Chief"}`, 200, "", ""),
		{Name: "a user elsewhere", As: "tenant-admin", Method: post, Path: path, Body: `{"username":"x-1","tenantId":"` + home + `"}`, Operation: "createAdminUser", Status: 400, Code: "invalid_parameter", At: "tenantId"},
		{Name: "an administrator of the tenant", As: "tenant-admin", Method: post, Path: path, Body: `{"username":"x-1","roles":["admin"]}`, Operation: "createAdminUser", Status: 403, Code: "forbidden", At: "roles"},
		{Name: "a user of the tenant", As: "tenant-admin", Method: post, Path: path, Body: `{"username":"carl"}`, Operation: "createAdminUser", Status: 201, Golden: true},
		{Name: "money of the tenant", As: "tenant-admin", Method: patch, Path: of("tenant-user") + "/wallet", Body: `{"balance":5}`, Operation: "setAdminUserWalletBalance", Status: 403, Code: "forbidden"},
		{Name: "platforms of the platform", As: "tenant-admin", Method: get, Path: "/api/admin/platforms", Operation: "listAdminPlatforms", Status: 403, Code: "forbidden"},
	})
	w.Unsettled[w.User("other").ID] = wallet.ErrNotEmpty
	w.Unsettled[w.User("tenant-user").ID] = wallet.ErrInUse
	w.run(t, []surfacetest.Request{
		remove("delete user with a balance", "admin", of("other"), 409, "wallet_not_empty"),
		remove("delete user with calls", "tenant-admin", of("tenant-user"), 409, "wallet_in_use"),
		remove("delete user as support", "support", bob, 403, "forbidden"),
		remove("delete user", "admin", bob, 204, ""),
		remove("delete user again", "admin", bob, 404, "not_found"),
		create("the name is free again", `{"username":"bob"}`, 201, "", ""),
	})
}

// TestWhoIsStoppedIsStoppedEverywhere: a change of a user, or of the tenant, reaches keys, tokens and cookies at once.
func TestWhoIsStoppedIsStoppedEverywhere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		t.Helper()
		acme := w.PopulateTenant()
		tenant, user := "/api/admin/tenants/"+acme.ID.String(), "/api/admin/users/"+w.User("tenant-user").ID.String()
		me := func(who string, status int, code string) surfacetest.Request {
			return surfacetest.Request{Name: "me as " + who, As: who, Method: get, Path: "/api/v1/me", Operation: "getCurrentUser", Status: status, Code: code}
		}
		set := func(path, body string) surfacetest.Request {
			return surfacetest.Request{Name: "set " + body, As: "admin", Method: patch, Path: path, Body: body, Status: 200}
		}
		login := surfacetest.Request{
			Name: "sign in", Method: post, Path: "/api/v1/auth/login", Operation: "login",
			Body: `{"account":"tenant-user","password":"` + surfacetest.Password + `"}`,
		}
		refused := func(code string) surfacetest.Request { r := login; r.Status, r.Code = 403, code; return r }
		w.run(t, []surfacetest.Request{
			me("tenant-user", 200, ""), me("tenant-key", 200, ""),
			set(user, `{"status":"disabled"}`),
			me("tenant-user", 403, "user_disabled"), me("tenant-key", 403, "user_disabled"), refused("user_disabled"),
			set(user, `{"status":"active"}`),
			me("tenant-user", 200, ""), me("tenant-key", 200, ""),
			set(tenant, `{"status":"disabled"}`),
			me("tenant-user", 403, "tenant_disabled"), me("tenant-key", 403, "tenant_disabled"),
			me("tenant-admin", 403, "tenant_disabled"), refused("tenant_disabled"),
			set(tenant, `{"status":"active"}`),
			me("tenant-user", 200, ""),
			set(user, `{"password":"another horse"}`),
			me("tenant-user", 401, "invalid_token"), me("tenant-key", 200, ""),
			{Name: "delete", As: "admin", Method: del, Path: user, Status: 204},
			me("tenant-key", 401, "invalid_api_key"),
		})
	})
}

// TestRestrictedKeys: what restricts a key is checked, kept and shown.
func TestRestrictedKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		t.Helper()
		create := func(name, body string, status int, code, at string) surfacetest.Request {
			return surfacetest.Request{
				Name: name, As: "user", Method: post, Path: "/api/v1/api-keys", Body: body, Operation: "createApiKey", Status: status,
				Code: code, At: at, Golden: status == 201,
			}
		}
		var made struct{ Secret string }
		w.Check(t, w.contract, create("restricted key", `{"name":"r","scopes":["models"],"models":["chat-9"],"allowIps":["10.0.0.0/8","192.0.2.1"],"denyIps":["10.1.0.0/16"],"rateLimitPolicy":{"rpm":5},"quotaPolicy":{"currency":"USD","total":"2"}}`, 201, "", "")).JSON(t, &made)
		var far struct{ Secret string }
		elsewhere := create("key for elsewhere", `{"name":"e","allowIps":["10.0.0.0/8"]}`, 201, "", "")
		elsewhere.Golden = false
		w.Check(t, w.contract, elsewhere).JSON(t, &far)
		w.run(t, []surfacetest.Request{
			{Name: "from another address", Method: get, Path: "/api/v1/models", Header: map[string]string{"Authorization": "Bearer " + far.Secret}, Status: 403, Code: "address_not_allowed"},
			create("bad address", `{"name":"r","allowIps":["10.0.0.0/99"]}`, 400, "invalid_parameter", "allowIps[0]"),
			create("bad denial", `{"name":"r","denyIps":["x"]}`, 400, "invalid_parameter", "denyIps[0]"),
			create("bad model", `{"name":"r","models":["a\u0000"]}`, 400, "invalid_parameter", "models[0]"),
			create("bad limit", `{"name":"r","rateLimitPolicy":{"rpm":-1}}`, 400, "invalid_parameter", "rateLimitPolicy.rpm"),
			create("bad quota", `{"name":"r","quotaPolicy":{"currency":"EURO"}}`, 400, "invalid_parameter", "quotaPolicy.currency"),
			{Name: "from an allowed address", Method: get, Path: "/api/v1/models", Header: map[string]string{"Authorization": "Bearer " + made.Secret}, Status: 200},
			{Name: "restricted keys", As: "user", Method: get, Path: "/api/v1/api-keys", Operation: "listApiKeys", Status: 200, Golden: true},
		})
	})
}

// TestRegistrationByMode: who may register depends on the identity mode and on what registration asks for.
func TestRegistrationByMode(t *testing.T) {
	t.Parallel()
	code := secret.New("come in, please")
	for name, c := range map[string]struct {
		config     identity.Config
		invitation string
		status     int
		code       string
	}{
		"external":             {config: identity.Config{Mode: identity.External}, status: 403, code: "registration_closed"},
		"hybrid":               {config: identity.Config{Mode: identity.Hybrid}, status: 201},
		"closed":               {config: identity.Config{Registration: identity.RegistrationClosed}, status: 403, code: "registration_closed"},
		"invited":              {config: identity.Config{Registration: identity.RegistrationInvite, InvitationCode: code}, invitation: code.Reveal(), status: 201},
		"not invited":          {config: identity.Config{Registration: identity.RegistrationInvite, InvitationCode: code}, status: 403, code: "invitation_invalid"},
		"open but a wrong one": {config: identity.Config{Registration: identity.RegistrationOpen}, invitation: "something else", status: 403, code: "invitation_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.config)
			at := ""
			if c.code == "invitation_invalid" {
				at = "invitationCode"
			}
			w.Check(t, w.contract, surfacetest.Request{
				Name: name, Method: post, Path: "/api/v1/auth/register", Operation: "register", Status: c.status, Code: c.code, At: at,
				Body: `{"username":"eve","password":"correct horse","invitationCode":"` + c.invitation + `"}`,
			})
		})
	}
}
