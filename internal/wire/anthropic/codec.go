package anthropic

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// Codec translates messages. Sources: the provider sheets "anthropic" and "translation".
var Codec wire.Codec = codec{}

type codec struct{}

// Kind returns inference.Messages.
func (codec) Kind() inference.Kind { return inference.Messages }

// Dialect returns inference.Anthropic.
func (codec) Dialect() inference.Dialect { return inference.Anthropic }

// ToolRules are the format's.
func (codec) ToolRules() wire.ToolRules {
	return wire.ToolRules{LongestName: maxToolName}
}

// restOf keeps a value that the pivot has no word for.
func restOf(v jsondoc.Value) *inference.Rest {
	return &inference.Rest{Dialect: inference.Anthropic, Kind: inference.Messages, Path: v.Path, Value: v.Raw}
}

// isOurs reports whether an encoder of messages can put a value back as it is.
func isOurs(r *inference.Rest) bool {
	return r != nil && r.Dialect == inference.Anthropic && r.Kind == inference.Messages
}

// plainID reports whether a text can name a call, or a tool, in this format.
func plainID(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Longest names in this format.
const (
	maxCallID   = 256
	maxToolName = 128
)

// callID names a call as this format can: another protocol's id stays as it is where it can, and else becomes the same other
// one each time.
func callID(id string) string {
	if plainID(id, maxCallID) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "toolu_" + hex.EncodeToString(sum[:12])
}

// Seals of other dialects travel in the signatures of this one, behind these marks: clients send signatures back as they
// came. A call has no signature, so that its seal has a block of its own behind it.
const (
	foreignSeal = "gantry:"
	callSeal    = "gantry-call:"
)

// ForeignSeals implements wire.SealFinder.
func (codec) ForeignSeals(body []byte) bool {
	return bytes.Contains(body, []byte(`"`+foreignSeal)) || bytes.Contains(body, []byte(`"`+callSeal))
}

// sealText is a seal as a signature.
func sealText(s *inference.Seal) string {
	if s == nil || s.Dialect == inference.Anthropic {
		return sealData(s)
	}
	return foreignSeal + string(s.Dialect) + ":" + s.Data
}

func sealData(s *inference.Seal) string {
	if s == nil {
		return ""
	}
	return s.Data
}

// readSeal is a signature as a seal; nil for an empty one.
func readSeal(text string, whole bool) *inference.Seal {
	if text == "" {
		return nil
	}
	if rest, ok := strings.CutPrefix(text, foreignSeal); ok {
		if dialect, data, ok := strings.Cut(rest, ":"); ok {
			return &inference.Seal{Dialect: inference.Dialect(dialect), Data: data, Whole: whole}
		}
	}
	return &inference.Seal{Dialect: inference.Anthropic, Data: text, Whole: whole}
}

// readCallSeal is the seal of the call before; nil where the data is no such seal.
func readCallSeal(data string) *inference.Seal {
	rest, ok := strings.CutPrefix(data, callSeal)
	dialect, sealed, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return nil
	}
	return &inference.Seal{Dialect: inference.Dialect(dialect), Data: sealed}
}

func callSealText(s *inference.Seal) string { return callSeal + string(s.Dialect) + ":" + s.Data }
