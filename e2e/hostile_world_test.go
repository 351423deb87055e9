package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostileWorld is a running Gantry with the people, keys and things that the cases name.
type hostileWorld struct {
	*installation

	vars map[string]string
	// credentials are what each identity sends, by its name in the file; those that are absent have none here.
	credentials map[string]string
	mounted     []hostileRoute
	users       map[string]user
}

// hostileAbsent says why an identity of the file is nobody here.
var hostileAbsent = map[string]string{
	"supplier":            "suppliers",
	"browser_session":     "API calls by cookie: a cookie only renews the console's token",
	"api_key_low_balance": "several nodes in this runner",
	"operator":            "shell steps in this runner",
}

// hostileUnready says what a case needs that this runner does not set up.
var hostileUnready = map[string]string{
	"MONEY-015": "a hold in USD; internal/store and internal/surface/gateway play it",
}

func newHostileWorld(t *testing.T, file hostileFile) *hostileWorld {
	t.Helper()
	w := &hostileWorld{
		installation: start(t, t.TempDir(), "GANTRY_LOG_FORMAT=json"), vars: map[string]string{}, users: map[string]user{},
	}
	maps.Copy(w.vars, file.Vars)
	for _, name := range []string{"upload_path", "files_path", "notify_alipay", "notify_wechat", "notify_stripe", "return_path", "redeem_path", "admin_order_path", "canary"} {
		delete(w.vars, name) // nothing here answers or listens there
	}
	w.vars["setup_path"] = "/api/console/setup"
	w.vars["host"] = strings.TrimPrefix(w.url, "http://")
	w.people()
	w.things()
	w.mounted = w.routes()
	return w
}

// people makes the identities.
func (w *hostileWorld) people() {
	a, b, poor := w.newUser("alice", "10"), w.newUser("mallory", "10"), w.newUser("poor", "")
	w.newUser("victim", "")
	w.users["user"], w.users["user2"], w.users["poor"] = a, b, poor
	w.call(http.MethodPatch, "/api/admin/users/"+poor.id+"/wallet", w.admin,
		map[string]any{"balance": 0, "currency": "SIM", "reason": "nothing left"}, nil, 200)
	disabled := w.newKey(a.token, map[string]any{"name": "disabled"})
	w.call(http.MethodPatch, "/api/v1/api-keys/"+disabled.id+"/disable", a.token, nil, nil, 200)
	w.credentials = map[string]string{
		"anon": "", "user": a.token, "user2": b.token, "admin": w.admin, "api_key": a.key, "disabled_key": disabled.secret,
		"api_key_of_admin":     w.newKey(w.admin, map[string]any{"name": "admin"}).secret,
		"readonly_key":         w.newKey(a.token, map[string]any{"name": "reader", "scopes": []string{"models"}}).secret,
		"expired_key":          w.expiredKey(a.token),
		"api_key_zero_balance": poor.key,
		"api_key_ip_limited":   w.newKey(a.token, map[string]any{"name": "elsewhere", "allowIps": []string{"10.0.0.0/8"}}).secret,
		"tenant_admin":         w.tenantAdmin(),
	}
	w.vars["api_key"], w.vars["other_api_key"], w.vars["user_id"] = a.key, b.key, a.id
	w.vars["victim_key_id"] = w.newKey(a.token, map[string]any{"name": "victim"}).id
}

// tenantAdmin makes a tenant with an administrator and another user, and signs the former in.
func (w *hostileWorld) tenantAdmin() string {
	w.t.Helper()
	w.call(http.MethodPost, "/api/admin/tenants", w.admin, map[string]any{"tenantKey": "umbrella", "name": "Umbrella"}, nil, 201)
	for name, role := range map[string]string{"umbrella-admin": "admin", "umbrella-user": "user"} {
		w.call(http.MethodPost, "/api/admin/users", w.admin, map[string]any{
			"username": name, "password": "a long password", "roles": []string{role}, "tenantKey": "umbrella",
		}, nil, 201)
	}
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	w.call(http.MethodPost, "/api/v1/auth/login", "", map[string]any{"account": "umbrella-admin", "password": "a long password"}, &login, 200)
	return login.AccessToken
}

type hostileKey struct{ id, secret string }

func (w *hostileWorld) newKey(token string, what map[string]any) hostileKey {
	w.t.Helper()
	var made struct {
		Secret string `json:"secret"`
		APIKey struct {
			ID string `json:"id"`
		} `json:"apiKey"`
	}
	w.call(http.MethodPost, "/api/v1/api-keys", token, what, &made, 201)
	return hostileKey{made.APIKey.ID, made.Secret}
}

// expiredKey makes a key that lives for a second and lets that pass.
func (w *hostileWorld) expiredKey(token string) string {
	w.t.Helper()
	key := w.newKey(token, map[string]any{"name": "brief", "expiresAt": time.Now().Add(time.Second).Format(time.RFC3339Nano)})
	for deadline := time.After(10 * time.Second); ; {
		if status, _ := w.send(http.MethodGet, "/api/v1/me", key.secret, nil); status == http.StatusUnauthorized {
			return key.secret
		}
		select {
		case <-deadline:
			w.t.Fatal("a key does not expire")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// things makes what the cases refer to: another model, a call, platforms.
func (w *hostileWorld) things() {
	var platforms struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	w.call(http.MethodGet, "/api/admin/platforms", w.admin, nil, &platforms, 200)
	w.vars["platform_id"] = platforms.Items[0].ID
	var other struct {
		ID string `json:"id"`
	}
	w.call(http.MethodPost, "/api/admin/platforms", w.admin, map[string]any{
		"provider": "openai", "name": "Other", "platformKey": "other", "baseUrl": "http://127.0.0.1:9/v1",
		"credentials": map[string]any{"apiKey": "sk-nobody-listens-there"},
	}, &other, 201)
	w.vars["other_platform_id"] = other.ID
	w.call(http.MethodPost, "/api/admin/platforms/"+platforms.Items[0].ID+"/models", w.admin, map[string]any{
		"modelAlias": "sim-chat-cheap", "providerModelName": "sim-chat", "modelType": []string{"chat"}, "enabled": true,
	}, nil, 201)
	w.call(http.MethodPost, "/v1/chat/completions", w.users["user"].key, map[string]any{
		"model": "sim-chat", "max_tokens": 5, "messages": []any{map[string]any{"role": "user", "content": "hi"}},
	}, nil, 200)
	w.vars["victim_task_id"] = w.newestTask()
}

// newestTask waits until the first call has been written down.
func (w *hostileWorld) newestTask() string {
	w.t.Helper()
	for deadline := time.After(10 * time.Second); ; {
		var list struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		w.call(http.MethodGet, "/api/v1/tasks", w.users["user"].token, nil, &list, 200)
		if len(list.Items) > 0 {
			return list.Items[0].ID
		}
		select {
		case <-deadline:
			w.t.Fatal("the call is not in the list")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// hostileRoute is an operation that is served; {names} of its path are parts that may be anything.
type hostileRoute struct {
	method string
	parts  []string
}

// routes reads the documents that Gantry serves about itself.
func (w *hostileWorld) routes() []hostileRoute {
	var list struct{ Items []struct{ URL string } }
	w.call(http.MethodGet, "/api/openapi", "", nil, &list, 200)
	var out []hostileRoute
	for _, item := range list.Items {
		var doc struct {
			Paths map[string]map[string]json.RawMessage `json:"paths"`
		}
		w.call(http.MethodGet, item.URL, "", nil, &doc, 200)
		for path, methods := range doc.Paths {
			for method := range methods {
				out = append(out, hostileRoute{strings.ToUpper(method), strings.Split(path, "/")})
			}
		}
	}
	return out
}

// serves reports whether a path is known, under whatever method.
func (w *hostileWorld) serves(path string) bool {
	parts := strings.Split(path, "/")
	for _, r := range w.mounted {
		if len(r.parts) == len(parts) && r.matches(parts) {
			return true
		}
	}
	return false
}

func (r hostileRoute) matches(parts []string) bool {
	for i, p := range r.parts {
		if !strings.HasPrefix(p, "{") && p != parts[i] {
			return false
		}
	}
	return true
}

// balances are what the users' wallets hold, as text.
func (w *hostileWorld) balances() (string, error) {
	status, text := w.send(http.MethodGet, "/api/workspace/wallet", w.users["user"].token, nil)
	if status != http.StatusOK {
		return "", errors.New(string(text))
	}
	var wallet struct {
		Accounts []struct {
			Currency    string `json:"currency"`
			BalanceText string `json:"balanceText"`
			FrozenText  string `json:"frozenBalanceText"`
		} `json:"accounts"`
	}
	if err := json.Unmarshal(text, &wallet); err != nil {
		return "", err
	}
	var out strings.Builder
	for _, a := range wallet.Accounts {
		out.WriteString(a.Currency + " " + a.BalanceText + " " + a.FrozenText + "; ")
	}
	return out.String(), nil
}
