package openai

import (
	"bytes"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Seals of other dialects travel in the one place that callers of responses return unread, a reasoning item's encrypted
// content, as "gantry:dialect:role:data". Otherwise a conversation with tools would end after its first call at providers that
// want their proofs back.
const sealMark = "gantry:"

// sealRole says what a seal in an envelope belongs to.
type sealRole byte

const (
	sealsText   sealRole = 't' // the reasoning whose text the item has
	sealsWhole  sealRole = 'w' // the same, and the reasoning itself is in the seal
	sealsBefore sealRole = 'b' // the item or part before, which has no place for it
)

// ForeignSeals implements wire.SealFinder.
func (responsesCodec) ForeignSeals(body []byte) bool {
	return bytes.Contains(body, []byte(`"`+sealMark))
}

// wrapSeal returns the encrypted content that carries s. OpenAI's own is as it came.
func wrapSeal(s *inference.Seal, role sealRole) string {
	if s.Dialect == inference.OpenAI {
		return s.Data
	}
	if role == sealsText && s.Whole {
		role = sealsWhole
	}
	return sealMark + string(s.Dialect) + ":" + string(role) + ":" + s.Data
}

// unwrapSeal reads encrypted content; nil when there is none.
func unwrapSeal(content string) (*inference.Seal, sealRole) {
	if content == "" {
		return nil, sealsText
	}
	if envelope, ok := strings.CutPrefix(content, sealMark); ok {
		dialect, rest, _ := strings.Cut(envelope, ":")
		role, data, whole := strings.Cut(rest, ":")
		if whole && len(role) == 1 {
			return &inference.Seal{Dialect: inference.Dialect(dialect), Data: data, Whole: role[0] == byte(sealsWhole)}, sealRole(role[0])
		}
	}
	return &inference.Seal{Dialect: inference.OpenAI, Data: content, Whole: true}, sealsText
}
