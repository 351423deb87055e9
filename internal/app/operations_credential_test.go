package app

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

func TestCredentialsComeBack(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, testCredentialsComeBack)
}

// testCredentialsComeBack has a policy disable a credential, and an operator put it back.
func testCredentialsComeBack(d *desk) {
	frail := d.platform("frail", `"modelAlias":"frail","providerModelName":"gpt-4o-mini","modelType":["chat"]`)
	d.upstream.Script(fakeopenai.Step{Fault: "401"})
	d.send(post, "/v1/chat/completions", d.guest.key, chat("frail", false))
	d.shareHealth(d.t.Context())
	d.writeEvents()

	credentials := "/api/console/platforms/{made}/credentials"
	d.values["credential"] = d.storedCredential().ID.String()
	if c := d.storedCredential(); c.Status != routing.AutoDisabled || c.DisabledReason != "authentication" {
		d.t.Errorf("stored %+v", c)
	}
	if reason := d.modelStatus("frail").PlatformDisabledReason; reason == nil || reason.EventType != "disable" || reason.Category != "authentication" {
		d.t.Errorf("disabled because of %+v", reason)
	}
	enable := surfacetest.Request{Name: "credential enabled", As: "admin", Method: post, Path: credentials + "/{credential}/enable", Operation: "enablePlatformCredential", Status: 200, Golden: true}
	d.all(
		surfacetest.Request{Name: "credentials", As: "admin", Method: get, Path: credentials, Operation: "listPlatformCredentials", Status: 200, Golden: true},
		surfacetest.Request{Name: "policy events", As: "admin", Method: get, Path: "/api/console/policy-events?platformId={made}&kind=disable&createdFrom=2036-03-01&createdTo=2036-03-01&limit=5", Operation: "listPolicyEvents", Status: 200, Golden: true},
	)
	if resp, text := d.send(post, "/v1/chat/completions", d.guest.key, chat("frail", false)); resp.StatusCode != http.StatusServiceUnavailable {
		d.t.Errorf("with a disabled credential: %d %s", resp.StatusCode, text)
	}
	d.ask(enable)
	d.call(post, "/v1/chat/completions", d.guest.key, chat("frail", false), nil, 200)
	d.ask(enable) // it is in rotation: nothing changes
	d.shareHealth(d.t.Context())
	if c := d.storedCredential(); c.Status != routing.Enabled || !c.CooldownUntil.IsZero() {
		d.t.Errorf("stored %+v", c)
	}
	if got := d.audited("targetType=platform_credential&targetId={credential}"); !slices.Equal(got, []string{"credential.enabled"}) {
		d.t.Errorf("audited %v", got)
	}
	d.refusedHealth(credentials, frail)
}

func (d *desk) refusedHealth(credentials, platform string) {
	d.t.Helper()
	events := func(query, code, at string) surfacetest.Request {
		return surfacetest.Request{Name: query, As: "admin", Method: get, Path: "/api/console/policy-events?" + query, Operation: "listPolicyEvents", Status: 400, Code: code, At: at}
	}
	d.all(
		events("kind=party", "invalid_parameter", "kind"), events("platformId=1", "invalid_parameter", "platformId"),
		events("credentialId=x", "invalid_parameter", "credentialId"), events("platformModelId=x", "invalid_parameter", "platformModelId"),
		events("from=x", "invalid_parameter", "from"), events("pageSize=1000", "invalid_page", "pageSize"),
		surfacetest.Request{Name: "credentials of nobody", As: "admin", Method: get, Path: "/api/console/platforms/" + nobody + "/credentials", Operation: "listPlatformCredentials", Status: 404, Code: "not_found"},
		surfacetest.Request{Name: "unknown credential", As: "admin", Method: post, Path: credentials + "/" + nobody + "/enable", Operation: "enablePlatformCredential", Status: 404, Code: "not_found"},
		surfacetest.Request{Name: "credential of another", As: "admin", Method: post, Path: "/api/console/platforms/" + nobody + "/credentials/{credential}/enable", Operation: "enablePlatformCredential", Status: 404, Code: "not_found"},
		surfacetest.Request{Name: "no credential id", As: "admin", Method: post, Path: "/api/console/platforms/" + platform + "/credentials/1/enable", Operation: "enablePlatformCredential", Status: 404, Code: "not_found"},
	)
	d.operatorsOnly(
		surfacetest.Request{Method: get, Path: "/api/console/policy-events", Operation: "listPolicyEvents"},
		surfacetest.Request{Method: get, Path: credentials, Operation: "listPlatformCredentials"},
		surfacetest.Request{Method: post, Path: credentials + "/{credential}/enable", Operation: "enablePlatformCredential"},
	)
}

// writeEvents writes the events that wait.
func (d *desk) writeEvents() {
	ctx, stop := context.WithCancel(d.t.Context())
	stop()
	d.policyEvents.Run(ctx)
}

// storedCredential is the only credential of the platform that was made last, as the database has it.
func (d *desk) storedCredential() routing.Credential {
	d.t.Helper()
	platforms, err := d.store.Routing().PlatformList(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range platforms {
		if platforms[i].ID.String() == d.values["made"] {
			return platforms[i].Credentials[0]
		}
	}
	d.t.Fatal("the platform is gone")
	return routing.Credential{}
}

// open starts a stream that stays open until it is closed, once its first byte is there.
func (d *desk) open(model string) io.Closer {
	d.t.Helper()
	d.upstream.Script(fakeopenai.Step{Fault: "hang", After: 1})
	body := `{"model":"` + model + `","stream":true,"max_tokens":20,"messages":[{"role":"user","content":"hi"}]}`
	req, err := http.NewRequestWithContext(d.t.Context(), post, d.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+d.guest.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n != 1 || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return resp.Body
}
