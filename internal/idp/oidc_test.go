package idp_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/idp"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/testkit/fakeidp"
)

const callback = "https://gantry.example/api/console/oidc/callback"

// signIn is a provider with this installation as its client.
type signIn struct {
	*idp.OIDC

	provider *fakeidp.Provider
	clock    *clock.Manual
	t        *testing.T
}

func newSignIn(t *testing.T, change func(*idp.Options)) *signIn {
	t.Helper()
	now := clock.NewManual(noon)
	p := fakeidp.New(t, "gantry", callback, now.Now)
	box, err := secret.NewBox(bytes.Repeat([]byte{3}, secret.KeySize), "oidc")
	if err != nil {
		t.Fatal(err)
	}
	o := idp.Options{
		Issuer: p.Issuer, ClientID: "gantry", ClientSecret: secret.New(fakeidp.ClientSecret), RedirectURL: callback,
		Scopes: []string{"profile", "email"}, Title: "Corp", Mapping: idp.Mapping{Source: "corp"}, Box: box, Now: now.Now,
	}
	change(&o)
	return &signIn{idp.NewOIDC(o), p, now, t}
}

// visit follows the browser to the provider and returns what it comes back with.
func (s *signIn) visit(location string) url.Values {
	s.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, location, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil || !strings.HasPrefix(back.String(), callback+"?") {
		s.t.Fatalf("the provider answered %s, %v", resp.Status, err)
	}
	return back.Query()
}

func (s *signIn) begin() (kept string, back url.Values) {
	s.t.Helper()
	location, kept, err := s.Begin(s.t.Context(), "/requests")
	if err != nil {
		s.t.Fatal(err)
	}
	return kept, s.visit(location)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, func(*idp.Options) {})
	kept, back := s.begin()
	who, next, err := s.Finish(t.Context(), kept, back)
	if err != nil || next != "/requests" || who.Source != "corp" || who.ExternalID != "person-1" || who.Email != "ada@idp.example" {
		t.Fatalf("%+v, %q, %v", who, next, err)
	}
	if strings.Contains(kept, back.Get("state")) {
		t.Error("what the browser keeps can be read")
	}
	if _, _, err := s.Finish(t.Context(), kept, back); !errors.Is(err, identity.ErrSignInRefused) {
		t.Errorf("a code for the second time: %v", err)
	}
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	with := func(name, value string) func(*signIn, *string, url.Values) {
		return func(_ *signIn, _ *string, back url.Values) { back.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change func(*signIn, *string, url.Values)
		want   error
	}{
		"another state":          {with("state", "x"), identity.ErrSignInExpired},
		"no state":               {func(_ *signIn, _ *string, back url.Values) { back.Del("state") }, identity.ErrSignInExpired},
		"another issuer":         {with("iss", "https://evil.example"), identity.ErrSignInRefused},
		"another code":           {with("code", "x"), identity.ErrSignInRefused},
		"no code":                {func(_ *signIn, _ *string, back url.Values) { back.Del("code") }, identity.ErrSignInRefused},
		"an error":               {with("error", "access_denied"), identity.ErrSignInRefused},
		"nothing kept":           {func(_ *signIn, kept *string, _ url.Values) { *kept = "" }, identity.ErrSignInExpired},
		"something else kept":    {func(_ *signIn, kept *string, _ url.Values) { *kept = "AAAA" + *kept }, identity.ErrSignInExpired},
		"too late":               {func(s *signIn, _ *string, _ url.Values) { s.clock.Advance(10 * time.Minute) }, identity.ErrSignInExpired},
		"another browser's":      {func(s *signIn, kept *string, _ url.Values) { *kept, _ = s.begin() }, identity.ErrSignInExpired},
		"another nonce":          {func(s *signIn, _ *string, _ url.Values) { s.provider.Claims["nonce"] = "x" }, identity.ErrProvider},
		"a token of another":     {func(s *signIn, _ *string, _ url.Values) { s.provider.Claims["aud"] = "x" }, identity.ErrProvider},
		"for another party":      {func(s *signIn, _ *string, _ url.Values) { s.provider.Claims["azp"] = "x" }, identity.ErrProvider},
		"for several, unclear":   {func(s *signIn, _ *string, _ url.Values) { s.provider.Claims["aud"] = []string{"gantry", "x"} }, identity.ErrProvider},
		"a token that has ended": {func(s *signIn, _ *string, _ url.Values) { s.provider.Claims["exp"] = 1 }, identity.ErrProvider},
		"a token of nobody":      {func(s *signIn, _ *string, _ url.Values) { s.provider.Claims["sub"] = nil }, identity.ErrProvider},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSignIn(t, func(*idp.Options) {})
			s.provider.Claims = maps.Clone(s.provider.Claims)
			kept, back := s.begin()
			c.change(s, &kept, back)
			if _, _, err := s.Finish(t.Context(), kept, back); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestPersonsRefusalAndWrongSecret(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, func(*idp.Options) {})
	s.provider.Refuse = "access_denied"
	kept, back := s.begin()
	if _, _, err := s.Finish(t.Context(), kept, back); !errors.Is(err, identity.ErrSignInRefused) {
		t.Errorf("refused by the person: %v", err)
	}
	s = newSignIn(t, func(o *idp.Options) { o.ClientSecret = secret.New("hunter2-hunter2") })
	kept, back = s.begin()
	_, _, err := s.Finish(t.Context(), kept, back)
	if !errors.Is(err, identity.ErrProvider) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), back.Get("code")) {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestProviderThatIsAway(t *testing.T) {
	t.Parallel()
	s := newSignIn(t, func(o *idp.Options) { o.Issuer = "http://127.0.0.1:1" })
	if _, _, err := s.Begin(t.Context(), "/"); !errors.Is(err, identity.ErrProvider) {
		t.Errorf("%v", err)
	}
}
