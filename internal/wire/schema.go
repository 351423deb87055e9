package wire

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// maxSchemaDepth is how deep a schema is looked into.
const maxSchemaDepth = 64

// Where schemas stand in a schema: in the members of these members, in their elements, or as they are.
var (
	schemaMaps  = map[string]bool{"properties": true, "patternProperties": true, "$defs": true, "definitions": true, "dependentSchemas": true}
	schemaLists = map[string]bool{"anyOf": true, "oneOf": true, "allOf": true, "prefixItems": true}
	schemaHeirs = map[string]bool{"items": true, "contains": true, "not": true, "if": true, "then": true, "else": true}
)

// ClosedSchema is a JSON Schema whose objects have the properties that it names and no others, unless it says something of
// others: upstreams that hold a model to a schema demand that. The order of members stays, because models write in it. It
// reports whether there was something to close. What is no schema comes back as it is.
func ClosedSchema(schema json.RawMessage) (json.RawMessage, bool) {
	doc, err := jsondoc.Parse(schema)
	if err != nil {
		return schema, false
	}
	c := closing{w: jsondoc.Writer{B: make([]byte, 0, len(schema)+64)}}
	c.schema(doc, 0)
	if !c.closed || c.failed {
		return schema, false
	}
	return c.w.B, true
}

type closing struct {
	w              jsondoc.Writer
	closed, failed bool
}

func (c *closing) schema(v jsondoc.Value, depth int) {
	if !v.IsObject() || depth > maxSchemaDepth {
		c.w.Bytes(v.Raw)
		return
	}
	properties, others := false, false
	c.w.Open('{')
	err := v.Members(func(key string, v jsondoc.Value) error {
		properties = properties || key == "properties" && v.IsObject()
		others = others || key == "additionalProperties" || key == "unevaluatedProperties"
		c.w.Key(key)
		c.member(key, v, depth+1)
		return nil
	})
	c.failed = c.failed || err != nil
	if properties && !others {
		c.closed = true
		c.w.Key("additionalProperties").Bool(false)
	}
	c.w.Close('}')
}

func (c *closing) member(key string, v jsondoc.Value, depth int) {
	switch {
	case schemaHeirs[key] && v.IsObject():
		c.schema(v, depth)
	case schemaMaps[key] && v.IsObject():
		c.w.Open('{')
		err := v.Members(func(key string, v jsondoc.Value) error {
			c.w.Key(key)
			c.schema(v, depth)
			return nil
		})
		c.failed = c.failed || err != nil
		c.w.Close('}')
	case schemaLists[key] && v.IsArray():
		c.w.Open('[')
		err := v.Elements(func(v jsondoc.Value) error {
			c.schema(v, depth)
			return nil
		})
		c.failed = c.failed || err != nil
		c.w.Close(']')
	default:
		c.w.Bytes(v.Raw)
	}
}
