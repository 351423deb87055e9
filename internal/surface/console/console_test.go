package console_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/console"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

type world struct {
	*surfacetest.World
	contract *surfacetest.Contract
	surface  *console.Surface
	probed   routing.Account
	report   console.ProbeReport
}

// Probe implements console.Prober.
func (w *world) Probe(_ context.Context, a routing.Account, _ string) console.ProbeReport {
	w.probed = a
	return w.report
}

func files(t *testing.T) fstest.MapFS {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("let a = 1")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html><title>Gantry</title>")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":    {Data: []byte("let a = 1")},
		"assets/app-1a2b.js.gz": {Data: packed.Bytes()},
		"assets/app-3c4d.css":   {Data: []byte("a{}")},
		".vite/manifest.json":   {Data: []byte("{}")},
	}
}

// adapters are the kinds of upstreams that there are.
var adapters = []provider.Description{
	{
		Name: "openai", Title: "OpenAI & compatible", Logo: "M0 0", DefaultBaseURL: "https://api.example/v1", AuthTypes: []string{"bearer"},
		Credential: []provider.Field{{Name: "apiKey", Type: "secret", Label: map[string]string{"en": "API key", "zh": "密钥"}, Required: true}},
		Config:     []provider.Field{{Name: "headers", Type: "map"}, {Name: "project", Type: "text", Help: map[string]string{"en": "Added to calls"}}}, Models: []string{"chat-9"},
	},
	{Name: "acme", Title: "Acme"},
}

// empty returns a world without people.
func empty(t *testing.T) *world {
	t.Helper()
	return emptyIn(t, identity.Config{Mode: identity.Standalone, Registration: identity.RegistrationOpen})
}

func emptyIn(t *testing.T, c identity.Config) *world {
	t.Helper()
	w := &world{
		World:    surfacetest.New(t, c),
		contract: surfacetest.LoadContract(t, "console", "Error"),
	}
	routed := relay.New(relay.Options{Now: w.Clock.Now, Log: w.Log})
	w.surface = console.New(console.Options{
		Identity: w.Service, Routing: w.Routing, Catalog: w.Catalog, Tasks: w.Tasks, Desk: w.Tasks, Ledger: w.Wallets, Wallets: w.Wallets,
		Events: w.Runtime, Snapshot: w.Snapshot,
		Explain: func(q *relay.Inquiry) (relay.Explanation, error) {
			routed.Use(w.Snapshot())
			return routed.Explain(q)
		},
		Adapters: func(context.Context) ([]provider.Description, error) { return adapters, nil },
		Prober:   w, Version: "1.2.3", Simulation: true, Files: files(t), Now: w.Clock.Now, Log: w.Log,
	})
	r := chi.NewRouter()
	r.Use(httpx.Edge(nil))
	w.surface.Mount(r)
	r.NotFound(w.surface.NotFound)
	r.MethodNotAllowed(w.surface.MethodNotAllowed(r))
	w.Handler = r
	return w
}

func populated(t *testing.T) *world {
	t.Helper()
	w := empty(t)
	w.Populate()
	return w
}

const (
	get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	session             = "/api/console/session"
)

func TestEveryOperationOfTheContractIsServed(t *testing.T) {
	t.Parallel()
	w := empty(t)
	if missing := w.contract.CheckRoutes(t, w.surface.Routes()); len(missing) > 0 {
		t.Errorf("without a route: %v", missing)
	}
}

func TestFirstRun(t *testing.T) {
	t.Parallel()
	w := empty(t)
	token, err := w.NewBootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := func(token string) string {
		return `{"token":"` + token + `","username":"root","password":"Correct-horse-9","locale":"en"}`
	}
	setup := surfacetest.Request{Name: "setup", Method: post, Path: "/api/console/setup", Operation: "createFirstAdministrator"}
	with := func(name, body string, status int, code, at string) surfacetest.Request {
		r := setup
		r.Name, r.Body, r.Status, r.Code, r.At = name, body, status, code, at
		return r
	}
	w.Check(t, w.contract, surfacetest.Request{Name: "bootstrap", Method: get, Path: "/api/console/bootstrap", Operation: "getBootstrap", Status: 200, Golden: true})
	w.Check(t, w.contract, with("guess", body("guess"), 403, "setup_token_invalid", "token"))
	w.Check(t, w.contract, with("locale", strings.Replace(body(token.Reveal()), `"en"`, `"xx"`, 1), 400, "invalid_parameter", "locale"))
	elsewhere := with("from another site", body(token.Reveal()), 403, "origin_forbidden", "")
	elsewhere.Header = map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
	w.Check(t, w.contract, elsewhere)
	done := with("setup", body(token.Reveal()), 201, "", "")
	done.Golden = true
	a := w.Check(t, w.contract, done)
	if cookie := a.Header.Get("Set-Cookie"); !strings.HasSuffix(cookie, "; Path=/api/console/session; HttpOnly; SameSite=Strict") {
		t.Errorf("cookie %q", cookie)
	}
	w.Check(t, w.contract, with("again", body(token.Reveal()), 409, "setup_closed", ""))
	w.Check(t, w.contract, surfacetest.Request{Name: "bootstrap afterwards", Method: get, Path: "/api/console/bootstrap", Operation: "getBootstrap", Status: 200, Golden: true})
}

func TestSession(t *testing.T) {
	t.Parallel()
	w := populated(t)
	fixed := map[string]string{"Cookie": "gantry_session=" + strings.Repeat("a", 43)}
	in := w.Check(t, w.contract, surfacetest.Request{
		Name: "sign in", Method: post, Path: session, Body: `{"account":"user","password":"correct horse"}`, Header: fixed, Operation: "createSession", Status: 200,
	})
	cookie, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	if cookie == fixed["Cookie"] || in.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("cookie %q, headers %v", cookie, in.Header)
	}
	own := map[string]string{"Cookie": cookie}
	renew := func(name string, header map[string]string, status int, code string) *surfacetest.Answer {
		return w.Check(t, w.contract, surfacetest.Request{Name: name, Method: get, Path: session, Header: header, Operation: "renewSession", Status: status, Code: code})
	}
	renew("fixed", fixed, 401, "unauthorized")
	renew("none", nil, 401, "unauthorized")
	var token struct{ AccessToken string }
	renew("renew", own, 200, "").JSON(t, &token)
	bearer := map[string]string{"Authorization": "Bearer " + token.AccessToken}
	capabilities := surfacetest.Request{Name: "token", Method: get, Path: "/api/console/capabilities", Header: bearer, Operation: "getCapabilities", Status: 200}
	w.Check(t, w.contract, capabilities)
	cookieOnly := capabilities
	cookieOnly.Header, cookieOnly.Status, cookieOnly.Code = own, 401, "unauthorized"
	w.Check(t, w.contract, cookieOnly)
	w.Check(t, w.contract, surfacetest.Request{
		Name: "sign out from another site", Method: del, Path: session, Operation: "deleteSession", Status: 403, Code: "origin_forbidden",
		Header: map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
	})
	for range 2 {
		out := w.Check(t, w.contract, surfacetest.Request{Name: "sign out", Method: del, Path: session, Header: own, Operation: "deleteSession", Status: 204})
		if !strings.Contains(out.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("cookie %q", out.Header.Get("Set-Cookie"))
		}
	}
	renew("after signing out", own, 401, "unauthorized")
	capabilities.Status, capabilities.Code = 401, "invalid_token"
	w.Check(t, w.contract, capabilities)
	w.Check(t, w.contract, surfacetest.Request{
		Name: "as a form", Method: post, Path: session, Body: "account=user", Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		Operation: "createSession", Status: 415, Code: "unsupported_media_type",
	})
}

func TestMine(t *testing.T) {
	t.Parallel()
	w := populated(t)
	mine := tasks.Task{ID: id.At(w.Clock.Now()), UserID: w.User("user").ID, Charged: 300, Currency: "USD", CreatedAt: w.Clock.Now()}
	unbalanced := tasks.Task{ID: id.At(w.Clock.Now()), UserID: w.User("user").ID, Charged: 1, Currency: "USD", CreatedAt: w.Clock.Now()}
	waiting, running := mine, mine
	waiting.ID, waiting.Status, waiting.Async = id.At(w.Clock.Now()), tasks.Queued, true
	running.ID, running.Status, running.Async = id.At(w.Clock.Now()), tasks.Running, true
	mine.Status = tasks.Succeeded
	cancel := func(v tasks.Task) string { return "/api/console/tasks/" + v.ID.String() + "/cancel" }
	w.Tasks.Rows = []tasks.Task{mine, unbalanced, waiting, running}
	w.Wallets.Transfers = []wallet.Transfer{
		{ID: id.At(w.Clock.Now()), At: w.Clock.Now(), Kind: wallet.TransferCapture, Currency: "USD", Amount: 300, DebitAfter: 700, RefType: "task", RefID: mine.ID.String(), Reason: "usage"},
		{ID: id.At(w.Clock.Now()), At: w.Clock.Now(), Kind: wallet.TransferOverrun, Currency: "USD", Amount: 50, RefType: "task", RefID: mine.ID.String()},
	}
	ledger := "/api/console/tasks/" + mine.ID.String() + "/ledger"
	preferences := `{"locale":"en","theme":"dark","density":"comfortable","timeZone":"Asia/Shanghai"}`
	for _, r := range []surfacetest.Request{
		{Name: "capabilities", As: "user", Method: get, Path: "/api/console/capabilities", Operation: "getCapabilities", Status: 200, Golden: true},
		{Name: "capabilities of an admin", As: "admin", Method: get, Path: "/api/console/capabilities", Operation: "getCapabilities", Status: 200, Golden: true},
		{Name: "capabilities of finance", As: "finance", Method: get, Path: "/api/console/capabilities", Operation: "getCapabilities", Status: 200, Golden: true},
		{Name: "preferences", As: "user", Method: get, Path: "/api/console/preferences", Operation: "getPreferences", Status: 200, Golden: true},
		{Name: "bad theme", As: "user", Method: put, Path: "/api/console/preferences", Body: strings.Replace(preferences, "dark", "neon", 1), Operation: "replacePreferences", Status: 400, Code: "invalid_parameter", At: "theme"},
		{Name: "bad zone", As: "user", Method: put, Path: "/api/console/preferences", Body: strings.Replace(preferences, "Asia/", "<b>", 1), Operation: "replacePreferences", Status: 400, Code: "invalid_parameter", At: "timeZone"},
		{Name: "new preferences", As: "user", Method: put, Path: "/api/console/preferences", Body: preferences, Operation: "replacePreferences", Status: 200, Golden: true},
		{Name: "saved preferences", As: "user", Method: get, Path: "/api/console/preferences", Operation: "getPreferences", Status: 200, Golden: true},
		{Name: "ledger", As: "user", Method: get, Path: ledger, Operation: "getTaskLedger", Status: 200, Golden: true},
		{Name: "ledger that does not add up", As: "user", Method: get, Path: strings.Replace(ledger, mine.ID.String(), unbalanced.ID.String(), 1), Operation: "getTaskLedger", Status: 200, Golden: true},
		{Name: "someone else's ledger", As: "other", Method: get, Path: ledger, Operation: "getTaskLedger", Status: 404, Code: "not_found"},
		{Name: "cancel a task", As: "user", Method: post, Path: cancel(waiting), Operation: "cancelTask", Status: 200, Golden: true},
		{Name: "cancel a task that runs", As: "user", Method: post, Path: cancel(running), Operation: "cancelTask", Status: 200, Golden: true},
		{Name: "cancel a task that has ended", As: "user", Method: post, Path: cancel(mine), Operation: "cancelTask", Status: 409, Code: "task_ended"},
		{Name: "cancel someone else's task", As: "other", Method: post, Path: cancel(waiting), Operation: "cancelTask", Status: 404, Code: "not_found"},
		{Name: "cancel nothing", As: "user", Method: post, Path: "/api/console/tasks/7/cancel", Operation: "cancelTask", Status: 404, Code: "not_found"},
		{Name: "cancel with a key", As: "key", Method: post, Path: cancel(waiting), Operation: "cancelTask", Status: 403, Code: "forbidden"},
		{Name: "cancel as nobody", Method: post, Path: cancel(waiting), Operation: "cancelTask", Status: 401, Code: "unauthorized"},
		{Name: "no task", As: "user", Method: get, Path: "/api/console/tasks/7/ledger", Operation: "getTaskLedger", Status: 404, Code: "not_found"},
	} {
		w.Check(t, w.contract, r)
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	w := populated(t)
	w.report = console.ProbeReport{
		Steps: []console.ProbeStep{
			{Name: "resolve", OK: true, Duration: 3 * time.Millisecond, Message: console.Words{EN: "found", ZH: "找到"}},
			{Name: "tls", Skipped: true},
			{Name: "auth", Message: console.Words{EN: "The upstream answered with status 401.", ZH: "上游返回状态码 401。"}, Advice: console.Words{EN: "Wrong key.", ZH: "密钥错误。"}},
		},
		Models: []string{"chat-9", "embed-1"},
	}
	draft := func(rest string) string {
		return `{"provider":"openai","baseUrl":"","credentials":{"apiKey":"sk-upstream-000111222"}` + rest + `}`
	}
	for _, r := range []surfacetest.Request{
		{Name: "adapters", As: "operator", Method: get, Path: "/api/console/adapters", Operation: "listAdapters", Status: 200, Golden: true},
		{Name: "test", As: "operator", Method: post, Path: "/api/console/platforms/test", Body: draft(""), Operation: "testPlatform", Status: 200, Golden: true},
		{Name: "test without key", As: "operator", Method: post, Path: "/api/console/platforms/test", Body: `{"provider":"openai","baseUrl":"","credentials":{}}`, Operation: "testPlatform", Status: 400, Code: "invalid_parameter", At: "credentials.apiKey"},
		{Name: "test of nothing", As: "operator", Method: post, Path: "/api/console/platforms/test", Body: `{"provider":"x","baseUrl":"","credentials":{}}`, Operation: "testPlatform", Status: 400, Code: "provider_unknown", At: "provider"},
		{Name: "nothing was kept", As: "user", Method: get, Path: "/api/console/models", Operation: "listCallableModels", Status: 200, Golden: true},
		{Name: "connect nameless", As: "operator", Method: post, Path: "/api/console/platforms/connect", Body: draft(`,"name":"","models":["chat-9"]`), Operation: "connectPlatform", Status: 400, Code: "invalid_parameter", At: "name"},
		{Name: "connect twice the same", As: "operator", Method: post, Path: "/api/console/platforms/connect", Body: draft(`,"name":"Mine","models":["a","a"]`), Operation: "connectPlatform", Status: 409, Code: "platform_model_exists", At: "models[1]"},
		{Name: "still nothing was kept", As: "user", Method: get, Path: "/api/console/models", Operation: "listCallableModels", Status: 200},
		{Name: "models", As: "user", Method: get, Path: "/api/console/models", Operation: "listCallableModels", Status: 200},
	} {
		w.Check(t, w.contract, r)
	}
	if w.probed.Credential["apiKey"].Reveal() != "sk-upstream-000111222" || w.probed.BaseURL != "https://api.example/v1" {
		t.Errorf("probed %+v", w.probed)
	}
	a := w.Check(t, w.contract, surfacetest.Request{
		Name: "connect", As: "operator", Method: post, Path: "/api/console/platforms/connect", Body: draft(`,"name":"Mine","models":["chat-9","embed-1"]`), Operation: "connectPlatform", Status: 201,
	})
	if strings.Contains(string(a.Body), "upstream-000") || !strings.Contains(string(a.Body), `"apiKey":"****1222"`) {
		t.Errorf("answer %s", a.Body)
	}
	w.Check(t, w.contract, surfacetest.Request{Name: "callable models", As: "user", Method: get, Path: "/api/console/models", Operation: "listCallableModels", Status: 200, Golden: true})
}

// needs names the capability and the roles of operations that not everybody may use.
var needs = map[string]struct {
	capability string
	roles      []string
}{
	"listAdapters":             {"platforms.write", []string{"admin", "operator"}},
	"testPlatform":             {"platforms.write", []string{"admin", "operator"}},
	"connectPlatform":          {"platforms.write", []string{"admin", "operator"}},
	"enablePlatformCredential": {"platforms.write", []string{"admin", "operator"}},
	"listPlatformCredentials":  {"platforms.read", []string{"admin", "operator", "support"}},
	"listPolicyEvents":         {"platforms.read", []string{"admin", "operator", "support"}},
	"listUserWallets":          {"wallets.adjust", []string{"admin", "finance"}},
	"grantToWallet":            {"wallets.adjust", []string{"admin", "finance"}},
	"refundToWallet":           {"wallets.adjust", []string{"admin", "finance"}},
	"setWalletOverdraft":       {"wallets.adjust", []string{"admin", "finance"}},
	"listModelRoutes":          {"routes.write", []string{"admin"}},
	"getModelRoute":            {"routes.write", []string{"admin"}},
	"replaceModelRoute":        {"routes.write", []string{"admin"}},
	"deleteModelRoute":         {"routes.write", []string{"admin"}},
	"explainRoute":             {"routes.explain", []string{"admin"}},
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := populated(t)
	values := map[string]string{
		"taskID": id.New().String(), "alias": "m", "platformID": id.New().String(), "credentialID": id.New().String(), "userID": id.New().String(),
	}
	for _, r := range w.surface.Routes() {
		if r.Access.IsPublic() {
			continue
		}
		need, restricted := needs[r.OperationID]
		for _, who := range []string{"", "user", "admin", "operator", "finance", "support", "key", "admin-key"} {
			a := w.Do(t, surfacetest.Request{As: who, Method: r.Method, Path: surfacetest.Fill(r.Pattern, values)})
			refused := a.Status == 401 || a.Status == 403
			want := who == "" || strings.HasSuffix(who, "key") || restricted && !slices.Contains(need.roles, who)
			if refused != want {
				t.Errorf("%s as %q: status %d", r.OperationID, who, a.Status)
			}
			if restricted && who == "user" && !strings.Contains(string(a.Body), need.capability) {
				t.Errorf("%s does not name the capability: %s", r.OperationID, a.Body)
			}
		}
	}
}

func TestModelRoutes(t *testing.T) {
	t.Parallel()
	w := populated(t)
	w.Check(t, w.contract, surfacetest.Request{
		Name: "connect", As: "operator", Method: post, Path: "/api/console/platforms/connect", Operation: "connectPlatform", Status: 201,
		Body: `{"provider":"openai","baseUrl":"","credentials":{"apiKey":"sk-upstream-000111222"},"name":"Mine","models":["chat-9","acme/small"]}`,
	})
	const list, one = "/api/console/routes", "/api/console/routes/acme%2Fsmall"
	route := `{"forward":{"rules":[{"type":"keyword","keywords":["code"],"target":"chat-9"}]},"fallback":{"model":"chat-9"}}`
	for _, r := range []surfacetest.Request{
		{Name: "no routes", As: "admin", Method: get, Path: list, Operation: "listModelRoutes", Status: 200, Golden: true},
		{Name: "no such route", As: "admin", Method: get, Path: one, Operation: "getModelRoute", Status: 404, Code: "not_found"},
		{Name: "route to nowhere", As: "admin", Method: put, Path: one, Body: strings.Replace(route, "chat-9", "gone", 1), Operation: "replaceModelRoute", Status: 400, Code: "invalid_parameter", At: "forward.rules[0].target"},
		{Name: "route in a loop", As: "admin", Method: put, Path: one, Body: `{"fallback":{"model":"acme/small"}}`, Operation: "replaceModelRoute", Status: 400, Code: "invalid_parameter", At: "fallback.model"},
		{Name: "new route", As: "admin", Method: put, Path: one, Body: route, Operation: "replaceModelRoute", Status: 200, Golden: true},
		{Name: "route", As: "admin", Method: get, Path: one, Operation: "getModelRoute", Status: 200},
		{Name: "routes", As: "admin", Method: get, Path: list, Operation: "listModelRoutes", Status: 200, Golden: true},
		{Name: "remove the route", As: "admin", Method: del, Path: one, Operation: "deleteModelRoute", Status: 204},
		{Name: "remove it again", As: "admin", Method: del, Path: one, Operation: "deleteModelRoute", Status: 404, Code: "not_found"},
		{Name: "route with a bad escape", As: "admin", Method: put, Path: list + "/a%20b", Body: `{}`, Operation: "replaceModelRoute", Status: 400, Code: "invalid_parameter", At: "alias"},
	} {
		w.Check(t, w.contract, r)
	}
	entries, err := w.Audit.EntryList(t.Context(), audit.Query{Category: "model_route", Limit: 10})
	if err != nil || len(entries) != 2 || entries[1].Action != "model_route.created" || entries[0].Action != "model_route.deleted" {
		t.Errorf("audited %+v, %v", entries, err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	w := empty(t)
	for path, c := range map[string]struct {
		status                int
		kind, cache, contains string
	}{
		"/":                              {302, "", "", ""},
		"/console":                       {302, "", "", ""},
		"/console/":                      {200, "text/html; charset=utf-8", "no-cache", "<title>"},
		"/console/requests/7?q=a":        {200, "text/html; charset=utf-8", "no-cache", "<title>"},
		"/console/ops/gpt-4.1":           {200, "text/html; charset=utf-8", "no-cache", "<title>"},
		"/console/.vite/manifest.json":   {200, "text/html; charset=utf-8", "no-cache", "<title>"},
		"/console/favicon.svg":           {200, "image/svg+xml", "no-cache", "<svg/>"},
		"/console/assets/app-3c4d.css":   {200, "text/css; charset=utf-8", "public, max-age=31536000, immutable", "a{}"},
		"/console/assets/gone.js":        {404, "application/json", "no-store", "not_found"},
		"/console/assets/app-1a2b.js.gz": {404, "application/json", "no-store", "not_found"},
		"/api/console/nothing":           {404, "application/json", "", "not_found"},
	} {
		a := w.Do(t, surfacetest.Request{Method: get, Path: path})
		if a.Status != c.status || !strings.Contains(string(a.Body), c.contains) ||
			c.kind != "" && a.Header.Get("Content-Type") != c.kind || a.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %d %v %s", path, a.Status, a.Header, a.Body)
		}
		if c.status == 200 && (!strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			a.Header.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: headers %v", path, a.Header)
		}
	}
}

func TestCompressedFiles(t *testing.T) {
	t.Parallel()
	w := empty(t)
	for accepts, packed := range map[string]bool{"gzip, br": true, "br;q=1, GZIP;q=0.5": true, "gzip;q=0": false, "identity": false, "": false} {
		a := w.Do(t, surfacetest.Request{Method: get, Path: "/console/assets/app-1a2b.js", Header: map[string]string{"Accept-Encoding": accepts}})
		body := a.Body
		if got := a.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("%q: headers %v", accepts, a.Header)
		}
		if packed {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if string(body) != "let a = 1" || a.Header.Get("Vary") != "Accept-Encoding" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/javascript") {
			t.Errorf("%q: %s %v", accepts, body, a.Header)
		}
	}
}

func TestCookieIsSecureUnderHTTPS(t *testing.T) {
	t.Parallel()
	w := populated(t)
	req := httptest.NewRequestWithContext(t.Context(), post, "https://gantry.example"+session, strings.NewReader(`{"account":"user","password":"correct horse"}`))
	req.Header.Set("Content-Type", "application/json")
	if a := w.Serve(req); !strings.Contains(a.Header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("%d %v", a.Status, a.Header)
	}
}
