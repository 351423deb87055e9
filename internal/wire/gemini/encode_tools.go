package gemini

import (
	"regexp"

	"github.com/gantry-ai/gantry/internal/inference"
)

// functionName is what Google takes for the name of a function.
var functionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$`)

// tools writes all functions in one list, the provider's own tools, and the choice among the functions.
func (e *encoder) tools() error {
	var functions []*inference.Tool
	from := len(e.w.B)
	e.w.Key("tools").Open('[')
	empty := len(e.w.B)
	for i := range e.p.Tools {
		t := &e.p.Tools[i]
		if t.Server == "" && !t.Custom {
			functions = append(functions, t)
			continue
		}
		if err := e.foreign(t); err != nil {
			return err
		}
	}
	if err := e.functions(functions); err != nil {
		return err
	}
	if len(e.w.B) == empty {
		e.w.B = e.w.B[:from]
	} else {
		e.w.Close(']')
	}
	return e.choice(len(functions) > 0)
}

// foreign writes a tool that is no function.
func (e *encoder) foreign(t *inference.Tool) error {
	switch {
	case isOwn(t.Other):
		e.w.Bytes(t.Other.Value)
	case t.Server == inference.WebSearch:
		e.w.Raw(`{"googleSearch":{}}`)
	case t.Custom:
		return e.l.Content(t.Path, t.Name, "Gemini's functions take JSON, not free text.")
	default:
		return e.l.Content(t.Path, t.Name, "The upstream does not have this tool.")
	}
	return nil
}

func (e *encoder) functions(list []*inference.Tool) error {
	if len(list) == 0 {
		return nil
	}
	e.w.Open('{').Key("functionDeclarations").Open('[')
	for _, t := range list {
		if !functionName.MatchString(t.Name) {
			return e.l.Refuse(t.Path+".name", "Names of Gemini's functions begin with a letter or underscore and have at most 64 letters, digits, underscores, dots, colons and dashes.")
		}
		e.w.Open('{').Key("name").Str(t.Name).Text("description", t.Description)
		if len(t.Schema) > 0 {
			if err := e.schema("parametersJsonSchema", "parameters", t.Schema, t.Path+".parameters"); err != nil {
				return err
			}
		}
		e.w.Close('}')
	}
	e.w.Close(']').Close('}')
	return nil
}

var modeWords = map[inference.ToolMode]string{
	inference.ToolsAuto: "AUTO", inference.ToolsNone: "NONE", inference.ToolsRequired: "ANY",
}

// choice writes toolConfig. A choice among no functions is refused by Google, so there is none.
func (e *encoder) choice(among bool) error {
	c := &e.p.Choice
	if e.p.Serial && among {
		if err := e.l.Parameter("parallel_tool_calls", "false", "Gemini cannot be kept from calling several functions at once."); err != nil {
			return err
		}
	}
	mode := modeWords[c.Mode]
	rest := e.retrieval()
	if !among {
		mode = ""
	}
	if mode == "" && rest == nil {
		return nil
	}
	e.w.Key("toolConfig").Open('{')
	if mode != "" {
		e.mode(mode, c.Names)
	}
	if rest != nil {
		e.w.Key("retrievalConfig").Bytes(rest.Value)
	}
	e.w.Close('}')
	return nil
}

// mode writes functionCallingConfig. Functions are allowed by name only where they must be called, or may be with VALIDATED.
func (e *encoder) mode(mode string, names []string) {
	if mode == "AUTO" && len(names) > 0 {
		mode = "VALIDATED"
	}
	e.w.Key("functionCallingConfig").Open('{').Key("mode").Str(mode)
	if len(names) > 0 && mode != "NONE" {
		e.w.Key("allowedFunctionNames").Open('[')
		for _, n := range names {
			e.w.Str(n)
		}
		e.w.Close(']')
	}
	e.w.Close('}')
}

func (e *encoder) retrieval() *inference.Rest {
	for i := range e.p.Rest {
		if r := &e.p.Rest[i]; isOwn(r) && camel(r.Path) == "toolConfig.retrievalConfig" {
			return r
		}
	}
	return nil
}
