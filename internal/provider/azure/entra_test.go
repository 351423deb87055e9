package azure

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/oauth"
	"github.com/gantry-ai/gantry/internal/testkit/fakeazure"
	"github.com/gantry-ai/gantry/internal/testkit/tokendesk"
)

// directory is a resource that an application of Microsoft Entra ID may use.
type directory struct {
	*fakeazure.Server

	clock   *clock.Manual
	adapter Adapter
	account provider.Account
}

func open(t *testing.T, version string) *directory {
	t.Helper()
	d := &directory{clock: clock.NewManual(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))}
	d.Server, d.account = fake(t, "")
	d.Now = d.clock.Now
	d.adapter = Adapter{Tokens: &oauth.Book{Now: d.clock.Now}}
	d.account.Credential = map[string]secret.String{"clientSecret": secret.New(fakeazure.ClientSecret)}
	d.account.Config = []byte(`{"apiVersion":"` + version + `","tenantId":"` + fakeazure.Tenant + `","clientId":"` + fakeazure.ClientID +
		`","tokenUrl":"` + d.account.BaseURL + fakeazure.TokenPath + `"}`)
	return d
}

// ask opens the account anew, as with each change of the configuration, and makes a call.
func (d *directory) ask(t *testing.T) (status int, body string, o provider.Outcome) {
	t.Helper()
	u, err := d.adapter.Open(d.account)
	if err != nil {
		t.Fatal(err)
	}
	c := chat("prod-4o-mini", false)
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), u.Classify(resp, text)
}

func TestApplicationsOfEntra(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "2024-10-21"} {
		d := open(t, version)
		want := func(issued int, when string) {
			t.Helper()
			if status, body, _ := d.ask(t); status != http.StatusOK {
				t.Fatalf("%s: %d %s", when, status, body)
			}
			if n := d.Issued(); n != issued {
				t.Errorf("%s: %d tokens, want %d", when, n, issued)
			}
		}
		want(1, "first")
		want(1, "again")
		d.clock.Advance(tokendesk.Life - 6*time.Minute)
		want(1, "well before its end")
		d.clock.Advance(2 * time.Minute)
		want(2, "shortly before its end")
		d.Revoke()
		want(3, "revoked")
		d.clock.Advance(tokendesk.Life - 4*time.Minute)
		d.Refuse("temporarily_unavailable")
		want(3, "no new one, but the old one lasts")
		d.clock.Advance(5 * time.Minute)
		if status, body, o := d.ask(t); status != http.StatusServiceUnavailable || o.Category != inference.ServerError ||
			!strings.Contains(body, "temporarily_unavailable") {
			t.Errorf("%d %s %+v", status, body, o)
		}
	}
}

func TestAnotherSecretIsTheAccountsFault(t *testing.T) {
	t.Parallel()
	d := open(t, "")
	d.account.Credential = map[string]secret.String{"clientSecret": secret.New("not the secret")}
	status, body, o := d.ask(t)
	if status != http.StatusUnauthorized || o.Category != inference.Authentication || !strings.Contains(o.Message, "invalid_client") ||
		strings.Contains(body, "not the secret") || d.Issued() != 0 {
		t.Errorf("%d %s %+v", status, body, o)
	}
}

func TestAccountsOfEntraThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ replace, by, path string }{
		{fakeazure.Tenant + `","clientId`, `../x","clientId`, "config.tenantId"},
		{fakeazure.ClientID, "", "config.clientId"},
		{`"tokenUrl":"http`, `"tokenUrl":"file`, "config.tokenUrl"},
		{`"apiVersion":""`, `"scope":"a b"`, "config.scope"},
	} {
		d := open(t, "")
		d.account.Config = []byte(strings.Replace(string(d.account.Config), c.replace, c.by, 1))
		d.refused(t, c.path)
	}
	d := open(t, "")
	d.account.AuthType, d.account.Credential = authEntra, nil
	d.refused(t, "credentials.clientSecret")
}

func (d *directory) refused(t *testing.T, path string) {
	t.Helper()
	_, err := d.adapter.Open(d.account)
	var f *fault.Error
	if !errors.As(err, &f) || !errors.Is(err, provider.ErrConfig) || f.Path != path {
		t.Errorf("got %v, want %s at %s", err, provider.ErrConfig.Code, path)
	}
}

// TestWhereTokensAreAskedFor: with Microsoft, in the tenant, unless the settings say otherwise.
func TestWhereTokensAreAskedFor(t *testing.T) {
	t.Parallel()
	var asked string
	u, err := Adapter{}.Open(provider.Account{
		BaseURL: "https://r.openai.azure.com", Config: []byte(`{"tenantId":"acme.example","clientId":"app"}`),
		Credential: map[string]secret.String{"clientSecret": secret.New("s")},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if asked == "" {
				asked = r.URL.String()
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"access_token":"t","expires_in":3599}`))}, nil
			}
			if r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("Api-Key") != "" {
				t.Errorf("sent %v", r.Header)
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := chat("d", false)
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token"; asked != want {
		t.Errorf("asked at %s, want %s", asked, want)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
