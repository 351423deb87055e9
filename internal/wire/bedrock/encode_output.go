package bedrock

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// jsonHint asks for JSON where Converse has no word for it but a schema.
const jsonHint = "Answer with one JSON object and nothing else."

// loose are models that cannot be held to a schema, by parts of their names. What is not known can.
var loose = [...]string{
	"claude-3", "claude-v2", "claude-instant", "claude-sonnet-4-20", "claude-opus-4-20", "claude-opus-4-1", "amazon.nova", "amazon.titan",
	"meta.llama", "cohere.command", "ai21.",
}

// held reports whether the model can be held to the schema of the answer.
func (e *encoder) held() bool {
	o := &e.p.Output
	if o.Kind != inference.OutputSchema || len(o.Schema) == 0 {
		return false
	}
	for _, name := range loose {
		if strings.Contains(e.p.Model, name) {
			return false
		}
	}
	return true
}

// hint is what the model is told of its answer's form where it cannot be held to it.
func (e *encoder) hint() string {
	o := &e.p.Output
	switch {
	case o.Kind == inference.OutputText || e.held():
		return ""
	case len(o.Schema) == 0:
		e.l.Changed("response_format", "json_object", "an instruction", "Bedrock knows no JSON mode without a schema.")
		return jsonHint
	}
	e.l.Changed("response_format", "json_schema", "an instruction", "The model cannot be held to a schema.")
	return jsonHint + " It must match this JSON Schema:\n" + string(o.Schema)
}

// output writes the schema of the answer, as a text. Source: the reference of Bedrock's runtime, "OutputConfig".
func (e *encoder) output() error {
	if !e.held() {
		return nil
	}
	o := &e.p.Output
	schema, closed := wire.ClosedSchema(o.Schema)
	if closed {
		e.l.Changed("response_format", "open objects", "closed objects", "Bedrock wants schemas that name all properties.")
	}
	e.w.Key("outputConfig").Open('{').Key("textFormat").Open('{').Key("type").Str("json_schema").Key("structure").Open('{')
	e.w.Key("jsonSchema").Open('{').Key("schema").Str(string(schema)).Text("name", o.Name).Text("description", o.Description).Close('}')
	e.w.Close('}').Close('}').Close('}')
	return nil
}
