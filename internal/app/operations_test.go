package app

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// desk is an installation on a clock that stands still, in a future that no deadline of a connection lies behind, asked through its handler by people of several roles. Its answers
// are held against the contracts and golden files, which are the same on both databases.
type desk struct {
	*house

	t        *testing.T
	clock    *clock.Manual
	handler  http.Handler
	gateway  *surfacetest.Contract
	console  *surfacetest.Contract
	people   map[string]string
	values   map[string]string
	guest    guest
	upstream *fakeopenai.Server
}

// onBothDatabases runs a test on an installation with each database.
func onBothDatabases(t *testing.T, test func(*desk)) {
	t.Helper()
	for name, url := range map[string]func(*testing.T) string{
		"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newDesk(t, url(t)))
		})
	}
}

func newDesk(t *testing.T, url string) *desk {
	t.Helper()
	d := &desk{
		t: t, clock: clock.NewManual(time.Date(2036, 3, 1, 9, 0, 0, 0, time.UTC)),
		gateway: surfacetest.LoadContract(t, "easyai-gateway", "httpapi.ErrorEnvelope"),
		console: surfacetest.LoadContract(t, "console", "Error"),
		people:  map[string]string{"": ""}, values: map[string]string{},
	}
	d.house = newHouse(t, func(a *App) { a.now, a.cfg.Database.URL = d.clock.Now, secret.New(url) })
	handler, err := d.App.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.handler = handler
	d.guest = d.invite("guest", "10")
	d.people["admin"], d.people["key"], d.people["user"] = "Bearer "+d.admin, "Bearer "+d.guest.key, "Bearer "+d.login("guest")
	d.values["user"] = d.guest.id.String()
	d.upstream = fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(d.upstream)
	t.Cleanup(server.Close)
	d.values["upstream"] = server.URL + "/v1"
	d.platform("fake", `"modelAlias":"gpt-4o-mini","providerModelName":"gpt-4o-mini","modelType":["chat"]`)
	return d
}

func (d *desk) login(name string) string {
	d.t.Helper()
	var in struct {
		AccessToken string `json:"accessToken"`
	}
	d.call("POST", "/api/v1/auth/login", "", map[string]any{"account": name, "password": "a long password"}, &in, 200)
	return in.AccessToken
}

// ask sends a request and judges the answer.
func (d *desk) ask(r surfacetest.Request) *surfacetest.Answer {
	d.t.Helper()
	a := d.deliver(&r)
	contract := d.gateway
	if strings.HasPrefix(r.Path, "/api/console/") {
		contract = d.console
	}
	r.Judge(d.t, contract, a)
	return a
}

// deliver sends a request, with the values of {names} filled in.
func (d *desk) deliver(r *surfacetest.Request) *surfacetest.Answer {
	d.t.Helper()
	r.Path, r.Body = surfacetest.Fill(r.Path, d.values), surfacetest.Fill(r.Body, d.values)
	req := httptest.NewRequestWithContext(d.t.Context(), r.Method, r.Path, strings.NewReader(r.Body))
	if r.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if d.people[r.As] != "" {
		req.Header.Set("Authorization", d.people[r.As])
	}
	req.Header.Set("X-Request-Id", "req-1")
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	d.handler.ServeHTTP(rec, req)
	return &surfacetest.Answer{Status: rec.Code, Header: rec.Header(), Body: bytes.Clone(rec.Body.Bytes())}
}

// all asks one after the other.
func (d *desk) all(requests ...surfacetest.Request) {
	d.t.Helper()
	for _, r := range requests {
		d.ask(r)
	}
}

// keep asks and keeps the id of what was answered under a name, for {name} in later requests.
func (d *desk) keep(name string, r surfacetest.Request) {
	d.t.Helper()
	a := d.ask(r)
	var made struct {
		ID string `json:"id"`
	}
	a.JSON(d.t, &made)
	d.values[name] = made.ID
}

// operatorsOnly asks as nobody, as a user and with a user's key, who are refused.
func (d *desk) operatorsOnly(operations ...surfacetest.Request) {
	d.t.Helper()
	for _, r := range operations {
		for who, status := range map[string]int{"": 401, "user": 403, "key": 403} {
			r.Name, r.As, r.Status = r.Operation+" as "+who, who, status
			r.Code = map[int]string{401: "unauthorized", 403: "forbidden"}[status]
			d.ask(r)
		}
	}
}

const (
	get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete

	nobody = "01960000-0000-7000-8000-000000000000"
)

// priced asks what a call would cost and returns the exact text.
func (d *desk) priced(body string) string {
	d.t.Helper()
	a := d.ask(surfacetest.Request{
		Name: "priced", As: "key", Method: post, Path: "/api/v1/pricing/estimate", Body: body, Operation: "estimatePricing", Status: 200,
	})
	var out struct {
		AmountText string `json:"amountText"`
	}
	a.JSON(d.t, &out)
	return out.AmountText
}

// audited returns the actions about a target, the newest first.
func (d *desk) audited(query string) []string {
	d.t.Helper()
	a := d.ask(surfacetest.Request{
		Name: "audited", As: "admin", Method: get, Path: "/api/admin/audit-logs?" + surfacetest.Fill(query, d.values),
		Operation: "listAdminAuditLogs", Status: 200,
	})
	var out struct {
		Items []struct {
			Action, ActorUsername, RequestIP string
			BeforeState, AfterState          any
		} `json:"items"`
	}
	a.JSON(d.t, &out)
	actions := make([]string, len(out.Items))
	for i, e := range out.Items {
		if actions[i] = e.Action; e.ActorUsername != "admin" || e.RequestIP == "" {
			d.t.Errorf("%s: %+v names nobody", query, e)
		}
	}
	return actions
}
