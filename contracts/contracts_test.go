// Package contracts_test judges the contracts themselves: that they are valid and complete enough to generate types
// from and to check answers against.
package contracts_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// operations is how many operations the contracts of existing clients promise: their number never changes.
var operations = map[string]int{
	"ai-drawing":     48,
	"easyai-gateway": 96,
	"fastapi-admin":  99,
	"tokenfactory":   25,
	"yuanjing":       14,
}

var lowerCamel = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)

// bodiless are answers that have no body by definition.
var bodiless = []string{"101", "204", "303", "304"}

func load(t *testing.T, name string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(name + ".openapi.yaml")
	if err != nil {
		t.Fatalf("load, with every $ref: %v", err)
	}
	return doc
}

// each calls check for every operation of a contract with "METHOD /path" as its place.
func each(doc *openapi3.T, check func(place string, op *openapi3.Operation)) {
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			check(method+" "+path, op)
		}
	}
}

func TestContracts(t *testing.T) {
	t.Parallel()
	for _, name := range contractNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := load(t, name)
			if err := doc.Validate(t.Context()); err != nil {
				t.Errorf("not valid OpenAPI: %v", err)
			}
			for _, problem := range problems(doc) {
				t.Error(problem)
			}
			got := 0
			each(doc, func(string, *openapi3.Operation) { got++ })
			if want, promised := operations[name]; promised && got != want {
				t.Errorf("%d operations, want %d", got, want)
			}
		})
	}
}

// contractNames lists the contracts and sees that none of the promised ones is missing.
func contractNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file, ".openapi.yaml"))
	}
	for promised := range operations {
		if !slices.Contains(names, promised) {
			t.Errorf("the contract %s is gone", promised)
		}
	}
	return names
}

// problems says what is missing from a valid document, sorted.
func problems(doc *openapi3.T) []string {
	var found []string
	places := map[string]string{}
	each(doc, func(place string, op *openapi3.Operation) {
		if other, taken := places[op.OperationID]; taken {
			found = append(found, fmt.Sprintf("%s: operationId %s is used by %s too", max(place, other), op.OperationID, min(place, other)))
		}
		places[op.OperationID] = place
		for _, problem := range problemsOf(place, op) {
			found = append(found, place+": "+problem)
		}
	})
	slices.Sort(found)
	return found
}

func problemsOf(place string, op *openapi3.Operation) []string {
	var found []string
	if !lowerCamel.MatchString(op.OperationID) {
		found = append(found, fmt.Sprintf("operationId %q is not lowerCamel", op.OperationID))
	}
	if op.RequestBody != nil {
		found = append(found, withoutSchema("request", op.RequestBody.Value.Content)...)
	}
	answersWell := op.Extensions["x-missing-success-response"] != nil
	for status, response := range op.Responses.Map() {
		content := response.Value.Content
		found = append(found, withoutSchema("response "+status, content)...)
		noBody := slices.Contains(bodiless, status) || strings.HasPrefix(place, "HEAD ")
		if len(content) == 0 && !noBody && status != "default" {
			found = append(found, fmt.Sprintf("response %s has no body and no schema", status))
		}
		answersWell = answersWell || status == "101" || status == "303" || (strings.HasPrefix(status, "2") && (noBody || len(content) > 0))
	}
	if !answersWell {
		found = append(found, "no response says what success looks like")
	}
	return found
}

func withoutSchema(what string, content openapi3.Content) []string {
	var found []string
	for mediaType, body := range content {
		if body.Schema == nil {
			found = append(found, fmt.Sprintf("%s %s has no schema", what, mediaType))
		}
	}
	return found
}

func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	const planted = `
openapi: 3.0.3
info: {title: planted, version: "1"}
paths:
  /a:
    get:
      operationId: same
      responses:
        "200": {description: no schema, content: {application/json: {}}}
    put:
      operationId: Wrong_Name
      responses:
        "200": {description: fine, content: {application/json: {schema: {type: object}}}}
  /b:
    get:
      operationId: same
      responses:
        "200": {description: nothing at all}
    post:
      operationId: onlyFails
      responses:
        "400": {description: bad, content: {application/json: {schema: {type: object}}}}
    delete:
      operationId: fine
      responses:
        "204": {description: gone}
`
	doc, err := openapi3.NewLoader().LoadFromData([]byte(planted))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /a: response 200 application/json has no schema",
		"GET /b: no response says what success looks like",
		"GET /b: operationId same is used by GET /a too",
		"GET /b: response 200 has no body and no schema",
		"POST /b: no response says what success looks like",
		`PUT /a: operationId "Wrong_Name" is not lowerCamel`,
	}
	if got := problems(doc); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
