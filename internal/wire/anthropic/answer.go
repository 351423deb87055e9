package anthropic

import (
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	partType = iota
	partContent
	partUsage
	partError
	numParts
)

var answerParts = jsonscan.NewKeys("type", "content", "usage", "error")

// Answer meters a whole message. An error is no answer, though its status may be 200.
func (messagesFormat) Answer(body []byte) (wire.Metered, bool) {
	var out [numParts]jsonscan.Field
	_, _, err := answerParts.Scan(body, out[:])
	content := out[partContent].In(body)
	if err != nil || string(unquoted(out[partType].In(body))) != "message" || len(content) == 0 || content[0] != '[' {
		return wire.Metered{}, false
	}
	if out[partError].Found() && !jsonscan.IsNull(body, out[partError]) {
		return wire.Metered{}, false
	}
	var f figures
	f.add(out[partUsage].In(body))
	if u, ok := f.usage(); ok {
		return wire.Metered{Usage: u, Known: true}, true
	}
	var c openai.Count
	said(content, c.AddPiece)
	return wire.Metered{OutputTokens: c.Tokens()}, true
}

// said calls add with the inside of each text that the blocks of an answer say.
func said(content []byte, add func(raw []byte)) {
	for it := jsonscan.AnyElements(content); it.Next(); {
		saidBlock(it.Value, add)
	}
}

// saidBlock does so for one block, or for the delta of one.
func saidBlock(block []byte, add func(raw []byte)) {
	for m := jsonscan.AnyMembers(block); m.Next(); {
		switch string(m.Key) {
		case "text", "thinking", "partial_json", "name":
			if inside := unquoted(m.Value); len(inside) > 0 {
				add(inside)
			}
		case "input": // an object, of which every byte was made
			if len(m.Value) > 2 {
				add(m.Value)
			}
		}
	}
}

// unquoted is the inside of a JSON string, as it is written; nil for what is none.
func unquoted(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}
