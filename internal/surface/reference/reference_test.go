package reference_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/surface/reference"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

const source = `
openapi: 3.0.3
info: {title: Cranes, version: "1.0"}
tags: [{name: lift}, {name: gone}]
paths:
  /lift/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      operationId: lift
      tags: [lift]
      responses: {"200": {description: 'up, "slowly"'}}
    get:
      operationId: unserved
      tags: [gone]
      responses: {"200": {description: no}}
  /yard/{name}:
    get:
      operationId: yard
      tags: [lift]
      responses:
        "200":
          description: where
          content:
            application/json:
              schema: {type: object, properties: {z: {type: integer, example: 3}, a: {type: number, example: 0.5}, on: {type: string, example: 2026-01-02}, b: {type: boolean, default: true, nullable: true}}}
  /nowhere:
    get: {operationId: nowhere, responses: {"200": {description: no}}}
`

const want = `{"openapi":"3.0.3","info":{"title":"Cranes","version":"1.0"},"tags":[{"name":"lift"}],"paths":{` +
	`"/lift/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],` +
	`"post":{"operationId":"lift","tags":["lift"],"responses":{"200":{"description":"up, \"slowly\""}}}},` +
	`"/yard/{name}":{"get":{"operationId":"yard","tags":["lift"],"responses":{"200":{"description":"where","content":` +
	`{"application/json":{"schema":{"type":"object","properties":{"z":{"type":"integer","example":3},` +
	`"a":{"type":"number","example":0.5},"on":{"type":"string","example":"2026-01-02"},` +
	`"b":{"type":"boolean","default":true,"nullable":true}}}}}}}},"servers":[{"url":"//yard.example"}]}},` +
	`"servers":[{"url":"/harbour"}]}`

// serve mounts the surface with a contract of which one operation is elsewhere and two are nowhere.
func serve(contracts ...*reference.Contract) http.Handler {
	r := chi.NewRouter()
	reference.New(reference.Options{Contracts: contracts, Log: slog.New(slog.DiscardHandler)}).Mount(r)
	return r
}

func cranes() *reference.Contract {
	return reference.NewContract("cranes", []byte(source),
		reference.Place{URL: "/harbour", Operations: []string{"POST /lift/{crane}"}},
		reference.Place{URL: "//yard.example", Operations: []string{"GET /yard/*"}})
}

func ask(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestDocumentKeepsOrderAndLeavesOutWhatIsNotServed(t *testing.T) {
	t.Parallel()
	h := serve(cranes())
	if got := ask(t, h, "/api/openapi/cranes.json").Body.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	packed := ask(t, h, "/api/openapi/cranes.json", "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != want {
		t.Errorf("unpacked %s, %v", got, err)
	}
}

func TestAnswersAreInTheContract(t *testing.T) {
	t.Parallel()
	c := surfacetest.LoadContract(t, "reference", "Error")
	h := serve(cranes())
	for _, a := range []struct {
		operation, path string
		status          int
		has             string
	}{
		{"listContracts", "/api/openapi", 200, `{"items":[{"surface":"cranes","title":"Cranes","version":"1.0","operations":2,"url":"/api/openapi/cranes.json"}]}`},
		{"getContract", "/api/openapi/cranes.json", 200, `"operationId":"lift"`},
		{"getContract", "/api/openapi/ships.json", 404, `"code":"not_found"`},
	} {
		rec := ask(t, h, a.path)
		if rec.Code != a.status || !strings.Contains(rec.Body.String(), a.has) {
			t.Errorf("%s: %d %s", a.path, rec.Code, rec.Body)
		}
		if err := c.CheckAnswer(a.operation, rec.Code, rec.Body.Bytes()); err != nil {
			t.Error(err)
		}
	}
	// Files are described beside the documents, and served by package blob.
	if missing := c.CheckRoutes(t, new(reference.Surface).Routes()); !slices.Equal(missing, []string{"getFile", "headFile"}) {
		t.Errorf("without a route: %v", missing)
	}
}

func TestDocumentThatIsNoYAMLIsOurFault(t *testing.T) {
	t.Parallel()
	h := serve(reference.NewContract("broken", []byte("a: [")))
	for _, path := range []string{"/api/openapi", "/api/openapi/broken.json"} {
		if rec := ask(t, h, path); rec.Code != 500 || strings.Contains(rec.Body.String(), "yaml") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
