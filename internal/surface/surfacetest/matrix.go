package surfacetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// matrixPeople are the columns of the matrix. All objects are those of the user: of acme-user, a user of the tenant acme.
var matrixPeople = []struct{ column, who string }{
	{"anonymous", ""},
	{"user", "acme-user"},
	{"other", "acme-other"},
	{"tenant-admin", "acme-admin"},
	{"other-tenant-admin", "umbrella-admin"},
	{"admin", "admin"},
	{"key", "acme-key"},
}

// Matrix holds every route of a surface, asked by each of the people above, against a table. A row of the table is
//
//	METHOD /path | outcome by column … | body
//
// The body may be left out, and is {} then; {name} stands for an object in paths and bodies. Outcomes are:
//
//	401 403 404  refused, and how
//	ok           allowed: answered, or refused for what was asked and not for who asks
//	sees         allowed, and the answer names something that is the user's
//
// A route without a row fails, and so does a row without a route. Each cell has a world of its own, made by open.
type Matrix struct {
	File   string
	Routes []string // METHOD /path
	Open   func(t *testing.T) *World
}

// RoutesOf names routes as the matrix does.
func RoutesOf(routes []httpx.Route) []string {
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = r.Method + " " + r.Pattern
	}
	return out
}

// row is a line of the table.
type row struct {
	route, body string
	outcomes    []string
}

func (r *row) String() string {
	line := r.route + " | " + strings.Join(r.outcomes, " ")
	if r.body != "" {
		line += " | " + r.body
	}
	return line
}

// Check runs the matrix.
func (m *Matrix) Check(t *testing.T) {
	t.Helper()
	rows := m.read(t)
	for route := range rows {
		if !slices.Contains(m.Routes, route) {
			t.Errorf("%s has a row for %s, which is no route: delete it", m.File, route)
		}
	}
	for _, route := range m.Routes {
		t.Run(strings.ReplaceAll(route, "/", "."), func(t *testing.T) {
			t.Parallel()
			want, known := rows[route]
			got := m.ask(t, route, want.body)
			switch {
			case !known:
				t.Errorf("%s has no row for the route. If this is right, add:\n%s", m.File, got)
			case !slices.Equal(got.outcomes, want.outcomes):
				t.Errorf("the route answers otherwise than %s says (%s)\nwant %s\n got %s", m.File, columns(), &want, got)
			}
		})
	}
}

func columns() string {
	var out []string
	for _, p := range matrixPeople {
		out = append(out, p.column)
	}
	return strings.Join(out, " ")
}

func (m *Matrix) read(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile(m.File)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " | ", 3)
		if len(parts) < 2 {
			t.Fatalf("%s: a row has a route and outcomes: %s", m.File, line)
		}
		r := row{route: parts[0], outcomes: strings.Fields(parts[1])}
		if len(parts) == 3 {
			r.body = parts[2]
		}
		if _, twice := rows[r.route]; twice || len(r.outcomes) != len(matrixPeople) {
			t.Fatalf("%s: a route has one row, of %d outcomes (%s): %s", m.File, len(matrixPeople), columns(), line)
		}
		rows[r.route] = r
	}
	return rows
}

// ask asks a route as everybody.
func (m *Matrix) ask(t *testing.T, route, body string) *row {
	t.Helper()
	out := &row{route: route, body: body}
	for _, p := range matrixPeople {
		w := m.Open(t)
		objects := w.acme()
		method, path, _ := strings.Cut(route, " ")
		r := Request{As: p.who, Method: method, Path: w.fill(path, objects)}
		if method != "GET" && method != "DELETE" {
			if r.Body = w.fill(body, objects); body == "" {
				r.Body = "{}"
			}
		}
		out.outcomes = append(out.outcomes, outcome(w.Do(t, r), objects))
	}
	return out
}

func outcome(a *Answer, objects map[string]string) string {
	switch {
	case a.Status == 401 || a.Status == 403 || a.Status == 404 || a.Status >= 500:
		return fmt.Sprint(a.Status)
	case a.Status >= 300:
		return "ok"
	}
	for _, name := range []string{"userID", "apiKeyID", "taskID", "ruleID", "messageBatchID"} {
		if bytes.Contains(a.Body, []byte(objects[name])) {
			return "sees"
		}
	}
	return "ok"
}

// fill replaces {name} by objects, and what is no object of the world by an id that there is not.
func (w *World) fill(text string, objects map[string]string) string {
	text = Fill(text, objects)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return text // a body: other braces are JSON
	}
	for {
		from, to := strings.IndexByte(text, '{'), strings.IndexByte(text, '}')
		if from < 0 || to < from {
			return strings.Replace(text, "*", objects["alias"], 1)
		}
		text = text[:from] + id.New().String() + text[to+1:]
	}
}

// acme makes two tenants with their people, and objects that are acme-user's or the operator's. It returns their ids.
func (w *World) acme() map[string]string {
	w.t.Helper()
	w.AddTenantAdmin("acme-admin", "acme")
	w.AddTenantAdmin("umbrella-admin", "umbrella")
	user := w.User("acme-user")
	tenant, err := w.Service.Store.TenantByID(w.t.Context(), user.TenantID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.addUserOf(&tenant, "acme-other", identity.RoleUser)
	operator := event.Actor{Source: "system", TenantID: w.User("admin").TenantID}
	p, err := w.Routing.CreatePlatform(w.t.Context(), operator, routing.NewPlatform{
		Provider: "openai", Key: "matrix", Name: "Matrix", Credentials: []byte(`{"apiKey":"sk-matrix-000000"}`),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	model, err := w.Routing.CreateModel(w.t.Context(), operator, routing.NewModel{PlatformID: p.ID, CanonicalModelKey: "openai/chat-9"})
	if err != nil {
		w.t.Fatal(err)
	}
	admin := event.Actor{UserID: w.User("acme-admin").ID, TenantID: tenant.ID, Source: "jwt"}
	rule, err := w.Access.Create(w.t.Context(), admin, access.Input{
		SubjectType: "user", SubjectID: user.ID.String(), ResourceType: "platform", ResourceID: p.ID.String(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	providers, err1 := w.Catalog.Providers(w.t.Context())
	bases, err2 := w.Catalog.BaseModels(w.t.Context())
	if err := errors.Join(err1, err2); err != nil {
		w.t.Fatal(err)
	}
	now := w.Clock.Now()
	task := tasks.Task{
		ID: id.At(now), RequestID: "req", TenantID: tenant.ID, UserID: user.ID, Kind: inference.Chat, ModelType: inference.TypeChat, RunMode: "live",
		Status: tasks.Succeeded, RequestedModel: "chat-9", Currency: "USD", CreatedAt: now, UpdatedAt: now, FinishedAt: now,
	}
	w.Tasks.Rows = append(w.Tasks.Rows, task)
	return map[string]string{
		"userID": user.ID.String(), "apiKeyID": w.Key("acme-key").String(), "taskID": task.ID.String(), "ruleID": rule.ID.String(),
		"platformID": p.ID.String(), "modelID": model.ID.String(), "tenantID": tenant.ID.String(), "alias": "chat-9",
		"groupID": w.addGroup(&admin), "providerID": providers[0].ID.String(), "baseModelID": bases[0].ID.String(),
		"credentialID": p.Credentials[0].ID.String(), "responseID": "resp_" + task.ID.Compact(), "fileID": "file-" + task.ID.Compact(),
		"batchID": "batch_" + task.ID.Compact(), "messageBatchID": "msgbatch_" + task.ID.Compact(), "videoID": "video_" + task.ID.Compact(),
	}
}

// addGroup makes a group of the actor's tenant.
func (w *World) addGroup(by *event.Actor) string {
	w.t.Helper()
	key, name := "staff", "Staff"
	g, err := w.CreateGroup(w.t.Context(), *by, identity.OneTenant(by.TenantID), by.TenantID, identity.GroupChange{Key: &key, Name: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	return g.ID.String()
}
