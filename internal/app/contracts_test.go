package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/contracts"
	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/surface/reference"
)

// served are the contracts of the surfaces that this program has.
var served = []string{"console", "easyai-gateway", "protocols", "reference"}

// pages are what browsers ask for by address: no contract names them.
var pages = []string{
	"GET /", "HEAD /", "GET /console", "HEAD /console", "GET /console/*", "HEAD /console/*",
}

// TestEveryRouteIsInAContractAndEveryOperationHasARoute compares what the program has mounted with what is promised.
func TestEveryRouteIsInAContractAndEveryOperationHasARoute(t *testing.T) {
	t.Parallel()
	promised := map[string]string{} // operation ids by what a route and an operation have in common
	for _, name := range served {
		for key, operation := range operationsOf(t, name) {
			if other, twice := promised[key]; twice {
				t.Errorf("%s is in two contracts, as %s and %s", key, other, operation)
			}
			promised[key] = operation
		}
	}
	mounted := mountedRoutes(t, newHouse(t))
	for key, route := range mounted {
		if promised[key] == "" && !slices.Contains(pages, route) {
			t.Errorf("%s is in no contract", route)
		}
	}
	for key, operation := range promised {
		if _, there := mounted[key]; !there {
			t.Errorf("%s (%s) has no route", operation, key)
		}
	}
}

func mountedRoutes(t *testing.T, h *house) map[string]string {
	t.Helper()
	handler, err := h.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	routes, ok := handler.(chi.Routes)
	if !ok {
		t.Fatalf("the handler is a %T", handler)
	}
	out := map[string]string{}
	err = chi.Walk(routes, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		out[reference.Key(method+" "+pattern)] = method + " " + pattern
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func operationsOf(t *testing.T, contract string) map[string]string {
	t.Helper()
	source, err := contracts.Read(contract)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		t.Fatal(err)
	}
	return keysOf(doc)
}

func keysOf(doc *openapi3.T) map[string]string {
	out := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			out[reference.Key(method+" "+path)] = operation.OperationID
		}
	}
	return out
}

// contract fetches a document that the house serves and checks that it is valid OpenAPI.
func (h *house) contract(surface string) *openapi3.T {
	h.t.Helper()
	resp, body := h.send("GET", "/api/openapi/"+surface+".json", "", nil)
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %d %s", surface, resp.StatusCode, body)
	}
	doc, err := openapi3.NewLoader().LoadFromData(body)
	if err != nil {
		h.t.Fatalf("%s: %v", surface, err)
	}
	if err := doc.Validate(h.t.Context()); err != nil {
		h.t.Errorf("%s: %v", surface, err)
	}
	return doc
}

// TestServedContractsNameWhatIsMounted reads every document over HTTP and finds each of its operations mounted.
func TestServedContractsNameWhatIsMounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mounted := mountedRoutes(t, h)
	var list struct {
		Items []struct {
			Surface, URL string
			Operations   int
		}
	}
	h.call("GET", "/api/openapi", "", nil, &list, http.StatusOK)
	if len(list.Items) != len(served) {
		t.Errorf("listed %+v", list.Items)
	}
	for _, item := range list.Items {
		operations := keysOf(h.contract(item.Surface))
		for key, operation := range operations {
			if mounted[key] == "" {
				t.Errorf("%s names %s, which has no route", item.Surface, operation)
			}
		}
		if len(operations) > item.Operations || item.Operations == 0 { // operations that differ in their verb share a route
			t.Errorf("%s has %d operations, listed %d", item.Surface, len(operations), item.Operations)
		}
	}
}

// TestServedContractsFollowTheConfiguration switches one surface off and moves others.
func TestServedContractsFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	off := newHouse(t, func(a *App) { a.cfg.Surfaces.Protocols.Enabled = false })
	if doc := off.contract("gateway"); doc.Paths.Value("/v1/chat/completions") != nil || doc.Paths.Value("/healthz") == nil {
		t.Error("operations of the relay are described where it is switched off")
	}
	off.call("GET", "/api/openapi/protocols.json", "", nil, nil, http.StatusNotFound)

	moved := newHouse(t, func(a *App) {
		a.cfg.Surfaces.Protocols = config.Surface{Enabled: true, Prefix: "/relay"}
		a.cfg.Surfaces.Console.Host = "console.example"
	})
	gateway := moved.contract("gateway")
	if url := gateway.Servers[0].URL; url != "/" {
		t.Errorf("the gateway is at %s", url)
	}
	if at := gateway.Paths.Value("/v1/chat/completions").Servers; len(at) != 1 || at[0].URL != "/relay" {
		t.Errorf("completions are at %v", at)
	}
	if url := moved.contract("protocols").Servers[0].URL; url != "/relay" {
		t.Errorf("the protocols are at %s", url)
	}
	if url := moved.contract("console").Servers[0].URL; url != "//console.example" {
		t.Errorf("the console is at %s", url)
	}
}

// TestServedContractsAreAskedForOnce lets a client keep a document until it changes, in each coding.
func TestServedContractsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, coding := range []string{"identity", "gzip"} {
		first, body := h.send("GET", "/api/openapi/gateway.json", "", nil, "Accept-Encoding", coding)
		tag := first.Header.Get("ETag")
		if tag == "" || len(body) == 0 || !strings.Contains(first.Header.Get("Vary"), "Accept-Encoding") {
			t.Fatalf("%s: %v", coding, first.Header)
		}
		again, rest := h.send("GET", "/api/openapi/gateway.json", "", nil, "Accept-Encoding", coding, "If-None-Match", tag)
		if again.StatusCode != http.StatusNotModified || len(rest) != 0 {
			t.Errorf("%s: %d with %d bytes", coding, again.StatusCode, len(rest))
		}
	}
}
