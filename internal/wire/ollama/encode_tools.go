package ollama

import (
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// tools writes the tools that the choice allows. The model alone decides whether to call them.
func (e *encoder) tools() error {
	c := &e.p.Choice
	if c.Mode == inference.ToolsNone {
		return nil
	}
	written := 0
	for i := range e.p.Tools {
		t := &e.p.Tools[i]
		if len(c.Names) > 0 && !slices.Contains(c.Names, t.Name) {
			continue
		}
		if t.Server != "" || t.Custom {
			if err := e.l.Content(t.Path, t.Name, "Ollama does not have tools of this kind."); err != nil {
				return err
			}
			continue
		}
		if written == 0 {
			e.w.Key("tools").Open('[')
		}
		written++
		e.tool(t)
	}
	if written == 0 {
		return nil
	}
	e.w.Close(']')
	if c.Mode == inference.ToolsRequired {
		if err := e.l.Parameter("tool_choice", "required "+strings.Join(c.Names, ","), "Ollama cannot be made to call a tool."); err != nil {
			return err
		}
	}
	if e.p.Serial {
		return e.l.Parameter("parallel_tool_calls", "false", "Ollama cannot be told to call one tool at a time.")
	}
	return nil
}

func (e *encoder) tool(t *inference.Tool) {
	e.w.Open('{').Key("type").Str("function").Key("function").Open('{').Key("name").Str(t.Name).Key("description").Str(t.Description)
	if len(t.Schema) > 0 {
		e.w.Key("parameters").Bytes(t.Schema)
	} else {
		e.w.Key("parameters").Raw(`{"type":"object","properties":{}}`)
	}
	e.w.Close('}').Close('}')
}
