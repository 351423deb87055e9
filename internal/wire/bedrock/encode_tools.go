package bedrock

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
)

// noSchema is what a tool takes that says nothing about it.
const noSchema = `{"type":"object","properties":{}}`

// tools writes the tools and the choice among them. Where the conversation speaks of tools, there must be some.
func (e *encoder) tools() error {
	tools, err := e.offered()
	if err != nil {
		return err
	}
	none := e.p.Choice.Mode == inference.ToolsNone
	if none && len(e.used) == 0 || len(tools) == 0 && len(e.used) == 0 {
		return nil
	}
	e.w.Key("toolConfig").Open('{').Key("tools").Open('[')
	for _, t := range tools {
		e.tool(t)
	}
	if len(tools) == 0 {
		for _, name := range slices.Compact(slices.Sorted(slices.Values(e.used))) {
			e.tool(&inference.Tool{Name: name})
		}
	}
	e.w.Close(']')
	if none {
		e.l.Changed("tool_choice", "none", "auto", "Bedrock cannot be told to call none of the tools that the conversation speaks of.")
	} else if len(tools) > 0 {
		e.choice()
	}
	e.w.Close('}')
	if e.p.Serial && len(tools) > 0 {
		return e.l.Parameter("parallel_tool_calls", "false", "Bedrock cannot be told to call one tool at a time.")
	}
	return nil
}

// offered are the tools that can be said, of those that the choice allows.
func (e *encoder) offered() (out []*inference.Tool, err error) {
	allowed := e.p.Choice.Names
	for i := range e.p.Tools {
		t := &e.p.Tools[i]
		if len(allowed) > 0 && !slices.Contains(allowed, t.Name) && !slices.Contains(e.used, t.Name) {
			continue
		}
		if t.Server != "" || t.Custom {
			if err := e.l.Content(t.Path, t.Name, "Bedrock does not have tools of this kind."); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, t)
	}
	return out, nil
}

func (e *encoder) tool(t *inference.Tool) {
	e.w.Open('{').Key("toolSpec").Open('{').Key("name").Str(t.Name).Text("description", t.Description)
	e.w.Key("inputSchema").Open('{').Key("json")
	if len(t.Schema) > 0 {
		e.w.Bytes(t.Schema)
	} else {
		e.w.Raw(noSchema)
	}
	e.w.Close('}')
	if t.Strict != nil && *t.Strict {
		e.w.Key("strict").Bool(true)
	}
	e.w.Close('}').Close('}')
	if t.Cache != nil {
		e.cache(&inference.Part{Cache: t.Cache})
	}
}

// choice writes what must be called. Claude that thinks must not be made to.
func (e *encoder) choice() {
	c := &e.p.Choice
	if c.Mode != inference.ToolsRequired {
		return
	}
	if e.thinks() {
		e.l.Changed("tool_choice", "required", "auto", "A model that thinks cannot be made to call a tool.")
		return
	}
	e.w.Key("toolChoice").Open('{')
	if len(c.Names) == 1 {
		e.w.Key("tool").Open('{').Key("name").Str(c.Names[0]).Close('}')
	} else {
		e.w.Key("any").Raw("{}")
	}
	e.w.Close('}')
}
