package surfacetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Contract is the contract of a surface.
type Contract struct {
	doc        *openapi3.T
	errorShape string
	operations map[string]*openapi3.Operation
	places     map[string]string // of operations: METHOD /path
}

// LoadContract reads contracts/<name>.openapi.yaml. errorShape names the schema of errors.
func LoadContract(t *testing.T, name, errorShape string) *Contract {
	t.Helper()
	doc, err := load(name)
	if err != nil {
		t.Fatal(err)
	}
	c := &Contract{doc, errorShape, map[string]*openapi3.Operation{}, map[string]string{}}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			c.operations[op.OperationID], c.places[op.OperationID] = op, method+" "+path
		}
	}
	return c
}

var loaded = struct {
	sync.Mutex
	docs map[string]*openapi3.T
}{docs: map[string]*openapi3.T{}}

// load parses each contract once: they are long.
func load(name string) (*openapi3.T, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if doc := loaded.docs[name]; doc != nil {
		return doc, nil
	}
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // only the file counts
	file := filepath.Join(filepath.Dir(here), "../../../contracts", name+".openapi.yaml")
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	loaded.docs[name] = doc
	return doc, err
}

// CheckRoutes reports routes that the contract does not have at that method and path. The result names the operations of
// the contract that have no route.
func (c *Contract) CheckRoutes(t *testing.T, routes []httpx.Route) (missing []string) {
	t.Helper()
	served := map[string]bool{}
	for _, r := range routes {
		if place := r.Method + " " + r.Pattern; c.places[r.OperationID] != place {
			t.Errorf("%s: the contract has %q, the surface %q", r.OperationID, c.places[r.OperationID], place)
		}
		served[r.OperationID] = true
	}
	for name := range c.operations {
		if !served[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

// CheckAnswer holds an answer's body against the contract: its schema, and that it has no member that the schema does not
// name. A status that the operation does not list must have the shape of an error.
func (c *Contract) CheckAnswer(operation string, status int, body []byte) error {
	schema, v, err := c.visit(operation, status, body)
	if err != nil || schema == nil {
		return err
	}
	return undeclared(operation, schema, v)
}

// CheckShape is CheckAnswer for answers in a protocol that has members besides: what the schema names must be as it says.
func (c *Contract) CheckShape(operation string, status int, body []byte) error {
	_, _, err := c.visit(operation, status, body)
	return err
}

// CheckMedia holds the type of an answer against those that the contract documents. What it documents without a body must
// have none; an answer that it does not document may have any type.
func (c *Contract) CheckMedia(operation string, status int, contentType string, body []byte) error {
	answer := c.operations[operation].Responses.Value(strconv.Itoa(status))
	if answer == nil {
		return nil
	}
	media, _, _ := strings.Cut(contentType, ";")
	if media == c.streamed(operation) && status == http.StatusOK && media != "" {
		return nil
	}
	if len(answer.Value.Content) == 0 {
		if media != "" || len(body) > 0 {
			return fmt.Errorf("%s %d has no body, but one of %d bytes of %q came", operation, status, len(body), media)
		}
		return nil
	}
	if answer.Value.Content[media] == nil {
		return fmt.Errorf("%s %d is not of the type %q", operation, status, media)
	}
	return nil
}

// streamed is the type of an operation's answers to callers who want a stream, by the contract's x-stream; "" without one.
func (c *Contract) streamed(operation string) string {
	stream, _ := c.operations[operation].Extensions["x-stream"].(map[string]any)
	media, _ := stream["mediaType"].(string)
	return media
}

func (c *Contract) visit(operation string, status int, body []byte) (*openapi3.Schema, any, error) {
	schema, err := c.schema(operation, status)
	if err != nil || schema == nil {
		return nil, nil, err
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, nil, fmt.Errorf("%s %d is not JSON: %w: %.200s", operation, status, err, body)
	}
	if err := schema.VisitJSON(v); err != nil {
		return nil, nil, fmt.Errorf("%s %d: %w", operation, status, err)
	}
	return schema, v, nil
}

func (c *Contract) schema(operation string, status int) (*openapi3.Schema, error) {
	op := c.operations[operation]
	if op == nil {
		return nil, fmt.Errorf("%s is not in the contract", operation)
	}
	if answer := op.Responses.Value(strconv.Itoa(status)); answer != nil {
		if media := answer.Value.Content.Get("application/json"); media != nil {
			return media.Schema.Value, nil
		}
		return nil, nil //nolint:nilnil // an answer without a body
	}
	if status < 400 {
		return nil, fmt.Errorf("%s does not answer with %d", operation, status)
	}
	return c.doc.Components.Schemas[c.errorShape].Value, nil
}

// undeclared finds members that a schema with named members does not name.
func undeclared(path string, schema *openapi3.Schema, v any) error {
	switch v := v.(type) {
	case map[string]any:
		return undeclaredMember(path, schema, v)
	case []any:
		for i, item := range v {
			if schema.Items == nil {
				return nil
			}
			if err := undeclared(fmt.Sprintf("%s[%d]", path, i), schema.Items.Value, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func undeclaredMember(path string, schema *openapi3.Schema, v map[string]any) error {
	properties := propertiesOf(alternative(schema, v))
	if len(properties) == 0 {
		return undeclaredValue(path, schema, v)
	}
	for name, member := range v {
		property := properties[name]
		if property == nil {
			return fmt.Errorf("%s.%s is not in the contract", path, name)
		}
		if err := undeclared(path+"."+name, property.Value, member); err != nil {
			return err
		}
	}
	return nil
}

// undeclaredValue looks into an object whose members may have any name, but whose values have a schema.
func undeclaredValue(path string, schema *openapi3.Schema, v map[string]any) error {
	value := schema.AdditionalProperties.Schema
	if value == nil {
		return nil
	}
	for name, member := range v {
		if err := undeclared(path+"."+name, value.Value, member); err != nil {
			return err
		}
	}
	return nil
}

// alternative is the one that v is of a schema that is nothing but alternatives, or else the schema itself: members of one are
// not allowed in another.
func alternative(schema *openapi3.Schema, v map[string]any) *openapi3.Schema {
	if len(schema.Properties) > 0 || len(schema.AllOf) > 0 {
		return schema
	}
	for _, part := range schema.OneOf {
		if part.Value.VisitJSON(v) == nil {
			return part.Value
		}
	}
	return schema
}

// propertiesOf are the named members of a schema and of all that it is made of or may be.
func propertiesOf(schema *openapi3.Schema) openapi3.Schemas {
	out := maps.Clone(schema.Properties)
	for _, parts := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf, schema.OneOf} {
		for _, part := range parts {
			if out == nil {
				out = openapi3.Schemas{}
			}
			maps.Copy(out, propertiesOf(part.Value))
		}
	}
	return out
}
