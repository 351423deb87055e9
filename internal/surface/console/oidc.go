package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

const (
	oidcCookie = "gantry_oidc"
	oidcPath   = "/api/console/oidc"
	// oidcAge is how long the browser keeps what belongs to a sign-in, in seconds; what is sealed in it ends as soon.
	oidcAge = 600
	maxNext = 512
)

func (s *Surface) providerTitle() string {
	if s.Provider == nil {
		return ""
	}
	return s.Provider.Title()
}

// startOIDC sends the browser to the provider.
func (s *Surface) startOIDC(w http.ResponseWriter, call *httpx.Call) error {
	if s.Provider == nil {
		return fault.ErrNotFound
	}
	location, kept, err := s.Provider.Begin(call.Context(), insideConsole(call.URL.Query().Get("next")))
	if err != nil {
		return s.backToSignIn(w, call, err)
	}
	setOIDCCookie(w, call, kept, oidcAge)
	redirect(w, location)
	return nil
}

// finishOIDC opens a session for whom the provider vouches, and sends the browser to the console.
func (s *Surface) finishOIDC(w http.ResponseWriter, call *httpx.Call) error {
	if s.Provider == nil {
		return fault.ErrNotFound
	}
	kept, err := call.Cookie(oidcCookie)
	if err != nil {
		return s.backToSignIn(w, call, identity.ErrSignInExpired)
	}
	setOIDCCookie(w, call, "", -1) // it is good for one answer
	person, next, err := s.Provider.Finish(call.Context(), kept.Value, call.URL.Query())
	if err != nil {
		return s.backToSignIn(w, call, err)
	}
	signed, err := s.Identity.OpenFor(call.Context(), call.Client, person, identity.SessionConsole)
	if err != nil {
		return s.backToSignIn(w, call, err)
	}
	setCookie(w, call, signed.SessionToken.Reveal(), 0)
	redirect(w, "/console"+insideConsole(next))
	return nil
}

// backToSignIn lets the console say what went wrong, by its code. What is ours to know is logged.
func (s *Surface) backToSignIn(w http.ResponseWriter, call *httpx.Call, err error) error {
	f := fault.From(err)
	s.Log.WarnContext(call.Context(), "sign-in at the identity provider failed", "request_id", httpx.RequestID(call.Request),
		"code", f.Code, "error", f)
	redirect(w, "/console/sign-in?problem="+url.QueryEscape(f.Code))
	return nil
}

func redirect(w http.ResponseWriter, location string) {
	httpx.NoStore(w)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// insideConsole keeps a path of the console; anything else, such as another host, becomes its beginning.
func insideConsole(next string) string {
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	if len(next) > maxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, odd) ||
		strings.Contains(next, "..") {
		return "/"
	}
	return next
}

// setOIDCCookie is lax where the session's is strict: the browser comes back from another site.
func setOIDCCookie(w http.ResponseWriter, call *httpx.Call, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // over plain HTTP, as on a local machine, a secure cookie would not come back
		Name: oidcCookie, Value: value, Path: oidcPath, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: httpx.Secure(call.Request),
	})
}
