package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/testkit/fakeidp"
)

const publicURL = "https://gantry.example"

// newExternalHouse is a house whose people come from an identity provider, by sign-in and by token.
func newExternalHouse(t *testing.T, mode string) (*house, *fakeidp.Provider) {
	t.Helper()
	p := fakeidp.New(t, "gantry", publicURL+"/api/console/oidc/callback", time.Now)
	h := newHouse(t, func(a *App) {
		a.cfg.PublicURL, a.cfg.Auth.IdentityMode = publicURL, mode
		o := &a.cfg.Auth.OIDC
		o.Issuer, o.ClientID, o.ClientSecret, o.Name, o.Title = p.Issuer, "gantry", secret.New(fakeidp.ClientSecret), "corp", "Corp"
		o.RolesClaim, o.Roles, o.TenantClaim = "groups", "ops=operator,chiefs=admin", "org"
		j := &a.cfg.Auth.TrustedJWT
		j.Issuer, j.Audience, j.JWKSURL, j.Algorithms, j.Name = p.Issuer, "gantry", p.JWKS(), "ES256", "corp"
		j.RolesClaim, j.Roles, j.TenantClaim = o.RolesClaim, o.Roles, o.TenantClaim
		if err := a.cfg.Validate(); err != nil {
			t.Fatal(err)
		}
	})
	p.Claims["org"] = "default"
	return h, p
}

// browser follows redirects between the house, under its public address, and the provider.
type browser struct {
	http.Client

	h *house
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, h}
}

func (b *browser) get(address string) *http.Response {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), http.MethodGet, strings.Replace(address, publicURL, b.h.url, 1), nil)
	if err != nil {
		b.h.t.Fatal(err)
	}
	resp, err := b.Do(req)
	if err != nil {
		b.h.t.Fatal(err)
	}
	b.h.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// signIn goes to the provider and back, and returns where the house sends the browser in the end.
func (b *browser) signIn(next string) string {
	b.h.t.Helper()
	start := b.get(b.h.url + "/api/console/oidc/start?next=" + url.QueryEscape(next))
	back := b.get(start.Header.Get("Location"))
	end := b.get(back.Header.Get("Location"))
	if end.StatusCode != http.StatusSeeOther {
		b.h.t.Fatalf("the callback answered %s", end.Status)
	}
	return end.Header.Get("Location")
}

// me is who a token, or the browser's session, stands for.
type me struct {
	Username  string   `json:"username"`
	Source    string   `json:"source"`
	TenantKey string   `json:"tenantKey"`
	Role      []string `json:"role"`
	ID        string   `json:"gatewayUserId"`
}

func (b *browser) session() (status int, out me) {
	b.h.t.Helper()
	resp := b.get(b.h.url + "/api/console/session")
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	var answer struct {
		User me `json:"user"`
	}
	_ = json.Unmarshal(text, &answer) // a refusal has neither
	return resp.StatusCode, answer.User
}

func TestPeopleOfAProviderSignIn(t *testing.T) {
	t.Parallel()
	h, p := newExternalHouse(t, "hybrid")
	b := h.browser()
	if to := b.signIn("/requests?x=1"); to != "/console/requests?x=1" {
		t.Fatalf("sent to %s", to)
	}
	status, who := b.session()
	if status != 200 || who.Username != "ada" || who.Source != "corp" || len(who.Role) != 1 || who.Role[0] != "user" {
		t.Fatalf("%d %+v", status, who)
	}
	for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "", "/../api/x"} {
		if to := b.signIn(next); to != "/console/" {
			t.Errorf("next %q leads to %s", next, to)
		}
	}
	p.Claims["groups"] = []string{"ops", "others"}
	b.signIn("/")
	if _, again := b.session(); again.ID != who.ID || len(again.Role) != 1 || again.Role[0] != "operator" {
		t.Errorf("with another role: %+v", again)
	}
	var boot struct{ SignInProvider, IdentityMode string }
	h.call("GET", "/api/console/bootstrap", "", nil, &boot, 200)
	if boot.SignInProvider != "Corp" || boot.IdentityMode != "hybrid" {
		t.Errorf("bootstrap %+v", boot)
	}
	testRefusedSignIns(t, h, p)
	h.change("PATCH", "/users/"+who.ID, object{"status": "disabled"})
	if status, _ := b.session(); status != 401 {
		t.Errorf("the session of a disabled user: %d", status)
	}
	if to := b.signIn("/"); to != "/console/sign-in?problem=user_disabled" {
		t.Errorf("a disabled user is sent to %s", to)
	}
}

func testRefusedSignIns(t *testing.T, h *house, p *fakeidp.Provider) {
	t.Helper()
	b := h.browser()
	p.Refuse = "access_denied"
	if to := b.signIn("/"); to != "/console/sign-in?problem=sign_in_refused" {
		t.Errorf("refused: sent to %s", to)
	}
	p.Refuse = ""
	for org, code := range map[string]string{"nobody": "tenant_unknown", "": "tenant_unknown"} {
		p.Claims["org"] = org
		if to := b.signIn("/"); to != "/console/sign-in?problem="+code {
			t.Errorf("of %q: sent to %s", org, to)
		}
	}
	p.Claims["org"] = "default"
	if status, _ := b.session(); status != 401 {
		t.Errorf("a session without a sign-in: %d", status)
	}
	resp := b.get(h.url + "/api/console/oidc/callback?code=x&state=y")
	if to := resp.Header.Get("Location"); to != "/console/sign-in?problem=sign_in_expired" {
		t.Errorf("out of nowhere: sent to %s", to)
	}
}

func TestTokensOfATrustedIssuerAreBearers(t *testing.T) {
	t.Parallel()
	h, p := newExternalHouse(t, "external")
	tenant := h.change("POST", "/tenants", object{"tenantKey": "acme", "name": "Acme", "externalTenantId": "org-7"})
	p.Claims["org"] = "org-7"
	whoami := func(token string, status int) (out me) {
		t.Helper()
		h.call("GET", "/api/v1/me", token, nil, &out, status)
		return out
	}
	token := p.Token(nil)
	who := whoami(token, 200)
	if who.Username != "ada" || who.TenantKey != "acme" || who.Source != "jwt" {
		t.Fatalf("%+v", who)
	}
	if again := whoami(p.Token(map[string]any{"jti": "2"}), 200); again.ID != who.ID {
		t.Errorf("seen again as %+v", again)
	}
	if twin := whoami(p.Token(map[string]any{"sub": "person-2"}), 200); twin.ID == who.ID || twin.Username != "ada-2" {
		t.Errorf("another person of the name and address: %+v", twin)
	}
	// A token lasts for what it says; of the house it says nothing more than any user has.
	resp, text := h.send("GET", "/api/admin/users", p.Token(map[string]any{"groups": []string{"chiefs"}}), nil)
	if resp.StatusCode != http.StatusOK || strings.Contains(string(text), `"admin@`) || strings.Contains(string(text), `"username":"admin"`) {
		t.Errorf("a tenant's administrator sees %d %s", resp.StatusCode, text)
	}
	h.call("GET", "/api/admin/platforms", p.Token(map[string]any{"groups": []string{"chiefs"}}), nil, nil, 403)
	var key struct{ Secret string }
	h.call("POST", "/api/v1/api-keys", token, object{"name": "mine"}, &key, 201)
	isServed(t, h, guest{key: key.Secret})

	for name, over := range map[string]map[string]any{
		"expired": {"exp": 1}, "of another audience": {"aud": "x"}, "of an unknown tenant": {"org": "x", "sub": "person-3"},
		"of another tenant than before": {"org": "default"},
	} {
		if resp, text := h.send("GET", "/api/v1/me", p.Token(over), nil); resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	h.change("PATCH", "/tenants/"+tenant, object{"status": "disabled"})
	whoami(token, 403)
	h.change("PATCH", "/tenants/"+tenant, object{"status": "active"})
	whoami(token, 200)
	h.call("POST", "/api/v1/auth/register", "", object{"username": "eve", "password": "a long password"}, nil, 403)
	h.call("DELETE", "/api/admin/users/"+who.ID, h.admin, nil, nil, 204)
	refusedWith(t, h, guest{key: key.Secret}, 401, "invalid_api_key")
}
