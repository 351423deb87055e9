package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// elsewhere is a provider that vouches for whoever comes back with what Begin gave.
type elsewhere struct{ who identity.Person }

func (elsewhere) Title() string { return "Corp" }

func (elsewhere) Begin(_ context.Context, next string) (location, kept string, err error) {
	return "https://idp.example/authorize?state=s", "kept" + next, nil
}

func (e elsewhere) Finish(_ context.Context, kept string, q url.Values) (identity.Person, string, error) {
	next, ok := strings.CutPrefix(kept, "kept")
	if !ok || q.Get("state") != "s" {
		return identity.Person{}, "", identity.ErrSignInExpired
	}
	return e.who, next, nil
}

const oidc = "/api/console/oidc"

func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	w := emptyIn(t, identity.Config{Mode: identity.Hybrid})
	w.surface.Provider = elsewhere{identity.Person{Source: "corp", ExternalID: "1", Username: "ada"}}
	w.Check(t, w.contract, surfacetest.Request{Name: "bootstrap with a provider", Method: get, Path: "/api/console/bootstrap", Operation: "getBootstrap", Status: 200, Golden: true})
	start := w.Check(t, w.contract, surfacetest.Request{Name: "start", Method: get, Path: oidc + "/start?next=/requests", Operation: "startOidcSignIn", Status: 303})
	kept := cookie(t, start, "gantry_oidc")
	if start.Header.Get("Location") != "https://idp.example/authorize?state=s" || kept.Path != oidc || !kept.HttpOnly || kept.SameSite != http.SameSiteLaxMode || kept.MaxAge != 600 {
		t.Errorf("start: %v", start.Header)
	}
	back := func(name, query, cookie, to string) *surfacetest.Answer {
		t.Helper()
		r := surfacetest.Request{Name: name, Method: get, Path: oidc + "/callback?" + query, Operation: "finishOidcSignIn", Status: 303}
		if cookie != "" {
			r.Header = map[string]string{"Cookie": "gantry_oidc=" + cookie}
		}
		a := w.Check(t, w.contract, r)
		if got := a.Header.Get("Location"); got != to || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: sent to %q, want %q", name, got, to)
		}
		return a
	}
	a := back("back", "code=c&state=s", kept.Value, "/console/requests")
	in := cookie(t, a, "gantry_session")
	if in.Path != session || !in.HttpOnly || in.SameSite != http.SameSiteStrictMode || cookie(t, a, "gantry_oidc").MaxAge != -1 {
		t.Errorf("back: %v", a.Header)
	}
	w.Check(t, w.contract, surfacetest.Request{Name: "renew", Method: get, Path: session, Header: map[string]string{"Cookie": "gantry_session=" + in.Value}, Operation: "renewSession", Status: 200})
	back("without a cookie", "code=c&state=s", "", "/console/sign-in?problem=sign_in_expired")
	back("with another state", "code=c&state=x", kept.Value, "/console/sign-in?problem=sign_in_expired")
	back("to another host", "state=s", "kept//evil.example", "/console/")
	if strings.Contains(w.Logged.String(), kept.Value) {
		t.Error("the log holds what the browser keeps")
	}
}

func TestSignInElsewhereWithoutAProvider(t *testing.T) {
	t.Parallel()
	w := empty(t)
	for path, operation := range map[string]string{"/start": "startOidcSignIn", "/callback": "finishOidcSignIn"} {
		w.Check(t, w.contract, surfacetest.Request{Name: path, Method: get, Path: oidc + path, Operation: operation, Status: 404, Code: "not_found"})
	}
}

func cookie(t *testing.T, a *surfacetest.Answer, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no cookie %s in %v", name, a.Header)
	return nil
}

// TestCapabilitiesWithinATenant: roles of a tenant that does not run the platform show nothing of the platform.
func TestCapabilitiesWithinATenant(t *testing.T) {
	t.Parallel()
	w := populated(t)
	w.PopulateTenant()
	w.Check(t, w.contract, surfacetest.Request{Name: "capabilities within a tenant", As: "tenant-admin", Method: get, Path: "/api/console/capabilities", Operation: "getCapabilities", Status: 200, Golden: true})
	for _, r := range w.surface.Routes() {
		if r.OperationID == "listAdapters" || r.OperationID == "listModelRoutes" {
			w.Check(t, w.contract, surfacetest.Request{Name: r.OperationID, As: "tenant-admin", Method: get, Path: r.Pattern, Operation: r.OperationID, Status: 403, Code: "forbidden"})
		}
	}
}
