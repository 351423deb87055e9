package anthropic

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// hasTools reports whether there are tools that the model could call.
func (e *encoder) hasTools() bool {
	return slices.ContainsFunc(e.p.Tools, func(t inference.Tool) bool { return e.allowed(&t) })
}

// allowed reports whether the choice lets the model call a tool. One that names several is the list of tools itself.
func (e *encoder) allowed(t *inference.Tool) bool {
	c := &e.p.Choice
	one := c.Mode == inference.ToolsRequired && len(c.Names) == 1
	return len(c.Names) == 0 || one || t.Server != "" || slices.Contains(c.Names, t.Name)
}

// tools writes the tools and the choice among them.
func (e *encoder) tools() error {
	open := false
	for i := range e.p.Tools {
		t := &e.p.Tools[i]
		if isOurs(t.Other) && t.Path == "mcp_servers" {
			continue // see servers
		}
		if !e.allowed(t) {
			e.l.Changed(t.Path, t.Name, "", "The choice of tools leaves it out.")
			continue
		}
		raw, err := e.tool(t)
		if err != nil || raw == nil && t.Server != "" || t.Custom {
			if err != nil {
				return err
			}
			continue
		}
		if !open {
			e.w.Key("tools").Open('[')
			open = true
		}
		e.write(t, raw)
	}
	if !open {
		return e.remembered()
	}
	e.w.Close(']')
	e.choice()
	return e.servers()
}

// tool checks a tool. It returns one of the upstream's own as it is written; nil for others, and for what is left out.
func (e *encoder) tool(t *inference.Tool) ([]byte, error) {
	switch {
	case isOurs(t.Other):
		return t.Other.Value, nil
	case t.Server == inference.WebSearch && t.Other != nil && t.Other.Kind == inference.Responses:
		return []byte(`{"type":"web_search_20250305","name":"web_search"}`), nil
	case t.Server == inference.WebSearch:
		return nil, e.l.Content(t.Path, "web_search", "What searches cost at the upstream cannot be set aside for this operation.")
	case t.Server != "":
		return nil, e.l.Content(t.Path, t.Name, "The upstream does not have this tool.")
	case t.Custom:
		return nil, e.l.Content(t.Path, t.Name, "The upstream's tools take JSON.")
	case !plainID(t.Name, maxToolName):
		return nil, e.l.Refuse(t.Path, "The names of tools are made of letters, digits, _ and -.")
	}
	return nil, e.checkSchema(t)
}

func (e *encoder) checkSchema(t *inference.Tool) error {
	if _, ok := objectSchema(t.Schema); !ok {
		return e.l.Refuse(t.Path, "The arguments of a tool are an object.")
	}
	return nil
}

var schemaKeys = jsonscan.NewKeys("type")

// objectSchema is a schema that says that it is one of an object. Its other bytes stay as they are: caches go by them.
func objectSchema(schema []byte) ([]byte, bool) {
	if len(schema) == 0 {
		return []byte(`{"type":"object","properties":{}}`), true
	}
	var out [1]jsonscan.Field
	members, at, err := schemaKeys.Scan(schema, out[:])
	switch {
	case err != nil:
		return nil, false
	case members == 0:
		return objectSchema(nil)
	case !out[0].Found():
		return jsonscan.Apply(nil, schema, jsonscan.Edit{At: at, Text: []byte(`"type":"object",`)}), true
	}
	return schema, string(unquoted(out[0].In(schema))) == "object"
}

func (e *encoder) write(t *inference.Tool, raw []byte) {
	if raw != nil {
		e.w.Bytes(raw)
		return
	}
	schema, _ := objectSchema(t.Schema)
	e.w.Open('{').Key("name").Str(t.Name).Text("description", t.Description).Key("input_schema").Bytes(schema)
	if t.Strict != nil && *t.Strict {
		e.w.Key("strict").Bool(true)
	}
	e.cache(t.Cache, t.Path)
	e.w.Close('}')
}

// choice writes which tools are to be called.
func (e *encoder) choice() {
	c := &e.p.Choice
	var word string
	switch {
	case c.Mode == inference.ToolsNone:
		e.w.Key("tool_choice").Raw(`{"type":"none"}`)
		return
	case c.Mode == inference.ToolsRequired && len(c.Names) == 1:
		word = "tool"
	case c.Mode == inference.ToolsRequired:
		word = "any"
	case c.Mode == inference.ToolsAuto, e.p.Serial:
		word = "auto"
	default:
		return
	}
	e.w.Key("tool_choice").Open('{').Key("type").Str(word)
	if word == "tool" {
		e.w.Key("name").Str(c.Names[0])
	}
	if e.p.Serial {
		e.w.Key("disable_parallel_tool_use").Bool(true)
	}
	e.w.Close('}')
}

// remembered writes the tools that the conversation speaks of where the request has none: the upstream wants to know them.
func (e *encoder) remembered() error {
	var names []string
	for i := range e.turns {
		for _, c := range calls(e.turns[i].Parts) {
			if !slices.Contains(names, c.Call.Name) {
				names = append(names, c.Call.Name)
			}
		}
	}
	if len(names) == 0 {
		return e.servers()
	}
	e.w.Key("tools").Open('[')
	for _, name := range names {
		e.w.Open('{').Key("name").Str(name).Key("input_schema").Raw(`{"type":"object","properties":{}}`).Close('}')
	}
	e.w.Close(']').Key("tool_choice").Raw(`{"type":"none"}`)
	e.l.Changed("tools", "", "those that were called", "The upstream wants to know the tools that the conversation speaks of.")
	return e.servers()
}

// servers writes servers whose tools the upstream calls.
func (e *encoder) servers() error {
	for i := range e.p.Tools {
		if t := &e.p.Tools[i]; isOurs(t.Other) && t.Path == "mcp_servers" {
			e.w.Key("mcp_servers").Bytes(t.Other.Value)
		}
	}
	return nil
}
