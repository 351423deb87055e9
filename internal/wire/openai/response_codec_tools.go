package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	toolType = iota
	toolName
	toolDescription
	toolParameters
	toolStrict
	toolFormat
	numToolKeys
)

const (
	grammarType = iota
	grammarSyntax
	grammarDefinition
	numGrammars
)

const (
	choiceType = iota
	choiceName
	choiceMode
	choiceTools
	numChoices
)

var (
	toolNames    = [numToolKeys]string{"type", "name", "description", "parameters", "strict", "format"}
	toolMembers  = jsonscan.NewKeys(toolNames[:]...)
	toolKnown    = nameSet(toolNames[:])
	grammarKeys  = jsonscan.NewKeys("type", "syntax", "definition")
	choiceKeys   = jsonscan.NewKeys("type", "name", "mode", "tools")
	serverToolOf = map[string]inference.ServerTool{
		"web_search": inference.WebSearch, "web_search_preview": inference.WebSearch, "web_search_2025_08_26": inference.WebSearch,
		"web_search_preview_2025_03_11": inference.WebSearch,
	}
)

func (r *promptReader) readTools() {
	n := 0
	for it := r.list(r.of(askTools), "", "tools"); it.Next() && r.err == nil; n++ {
		r.readTool(it.Value, indexPath("tools", n))
	}
	if parallel := r.flag(r.of(askParallel), askNames[askParallel]); parallel != nil {
		r.prompt.Serial = !*parallel
	}
}

func (r *promptReader) readTool(tool []byte, path string) {
	var out [numToolKeys]jsonscan.Field
	if !r.scan(toolMembers, tool, out[:], path) {
		r.fail(invalidType(path, "an object"))
		return
	}
	t := inference.Tool{Path: path}
	switch typ := r.required(out[toolType].In(tool), path, "type"); typ {
	case "function":
		t.Schema = r.schema(out[toolParameters].In(tool), path+".parameters")
		t.Strict = r.flag(out[toolStrict].In(tool), path+".strict")
	case "custom":
		t.Custom = true
		r.readGrammar(&t, out[toolFormat].In(tool), path+".format")
	default:
		t.Name, t.Server = typ, serverToolOf[typ]
		if t.Server == "" {
			t.Server = inference.ServerOther
		}
		rest := responseRest(path, tool)
		t.Other = &rest
		r.prompt.Tools = append(r.prompt.Tools, t)
		return
	}
	t.Name = r.required(out[toolName].In(tool), path, "name")
	t.Description = r.text(out[toolDescription].In(tool), path, "description")
	r.others(tool, toolKnown, path)
	r.prompt.Tools = append(r.prompt.Tools, t)
}

// readGrammar reads what bounds a custom tool's input. The pivot has it as chat completions write it.
func (r *promptReader) readGrammar(t *inference.Tool, format []byte, path string) {
	var out [numGrammars]jsonscan.Field
	if !r.scan(grammarKeys, format, out[:], path) {
		return
	}
	switch r.text(out[grammarType].In(format), path, "type") {
	case "text", "":
	case "grammar":
		w := responsePen{}
		w.open()
		w.text("type", "grammar")
		w.object("grammar")
		w.text("syntax", r.required(out[grammarSyntax].In(format), path, "syntax"))
		w.text("definition", r.required(out[grammarDefinition].In(format), path, "definition"))
		w.close('}')
		w.close('}')
		t.Grammar = w.B
	default:
		r.fail(invalidValue(path+".type", "Invalid '"+path+".type': expected text or grammar."))
	}
}

func (r *promptReader) readChoice() {
	const path = "tool_choice"
	choice := r.of(askToolChoice)
	if !isGiven(choice) {
		return
	}
	to := &r.prompt.Choice
	if choice[0] == '"' {
		to.Mode = toolModes[r.texts(askToolChoice)]
		if to.Mode == inference.ToolsUnsaid {
			r.fail(invalidValue(path, "Invalid 'tool_choice': expected auto, none or required."))
		}
		return
	}
	var out [numChoices]jsonscan.Field
	if !r.scan(choiceKeys, choice, out[:], path) {
		r.fail(invalidType(path, "a string or an object"))
		return
	}
	switch r.required(out[choiceType].In(choice), path, "type") {
	case "function", "custom":
		to.Mode = inference.ToolsRequired
		to.Names = []string{r.required(out[choiceName].In(choice), path, "name")}
	case "allowed_tools":
		r.readAllowed(out[choiceMode].In(choice), out[choiceTools].In(choice))
	default: // one of the provider's own tools
		r.keep(path, choice)
	}
}

// readAllowed reads a choice among some of the tools. One that names tools of the provider's cannot be said otherwise.
func (r *promptReader) readAllowed(mode, tools []byte) {
	const path = "tool_choice.tools"
	to := inference.ToolChoice{Mode: inference.ToolsAuto}
	if r.text(mode, "tool_choice", "mode") == "required" {
		to.Mode = inference.ToolsRequired
	}
	n := 0
	for it := r.list(tools, path, ""); it.Next(); n++ {
		var out [numChoices]jsonscan.Field
		at := indexPath(path, n)
		if !r.scan(choiceKeys, it.Value, out[:], at) {
			r.fail(invalidType(at, "an object"))
			return
		}
		if typ := r.text(out[choiceType].In(it.Value), at, "type"); typ != "function" && typ != "custom" {
			r.keep("tool_choice", r.of(askToolChoice))
			return
		}
		to.Names = append(to.Names, r.required(out[choiceName].In(it.Value), at, "name"))
	}
	r.prompt.Choice = to
}
