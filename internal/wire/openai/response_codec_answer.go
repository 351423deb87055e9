package openai

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

const (
	replyID = iota
	replyModel
	replyCreated
	replyStatus
	replyDetails
	replyOutput
	replyError
	replyTier
	numReplies
)

var (
	replyKeys = jsonscan.NewKeys(
		"id", "model", "created_at", "status", "incomplete_details", "output", "error", "service_tier")
	reasonKeys = jsonscan.NewKeys("reason")
	errNoReply = errors.New("openai: this is not a whole response")
)

// reply is a response object.
type reply struct {
	responseReader

	body  []byte
	spans [numReplies]jsonscan.Field
}

func (r *reply) of(member int) []byte { return r.spans[member].In(r.body) }

func (r *reply) texts(member int) string { return r.text(r.of(member), "", "") }

func readReply(body []byte) (*reply, bool) {
	r := &reply{body: body, responseReader: responseReader{lenient: true}}
	_, _, err := replyKeys.Scan(body, r.spans[:])
	return r, err == nil
}

// DecodeAnswer reads a whole response. The error says that it is none, that it failed, or that it is not ready.
func (responsesCodec) DecodeAnswer(body []byte) (*inference.Answer, error) {
	r, ok := readReply(body)
	if !ok || isGiven(r.of(replyError)) || len(r.of(replyOutput)) == 0 || r.of(replyOutput)[0] != '[' {
		return nil, errNoReply
	}
	status := r.texts(replyStatus)
	if status != "" && status != "completed" && status != "incomplete" {
		return nil, errNoReply
	}
	c := inference.Candidate{}
	n := 0
	for it := jsonscan.Elements(r.of(replyOutput)); it.Next(); n++ {
		if i, ok := r.item(it.Value, indexPath("output", n)); ok {
			c.Parts = append(c.Parts, r.parts(&i)...)
		}
	}
	c.Stop = r.stop(status, holdsCall(c.Parts))
	a := &inference.Answer{
		ID: r.texts(replyID), Model: r.texts(replyModel), Created: r.integer(r.of(replyCreated), ""),
		ServiceTier: r.texts(replyTier), Candidates: []inference.Candidate{c},
	}
	a.Usage, a.HasUsage = replyUsage(body)
	return a, nil
}

// replyUsage reads tokens and searches.
func replyUsage(body []byte) (inference.Usage, bool) {
	u, ok := Usage(inference.Responses, body)
	if ok {
		u.Quantities[inference.Search] = countSearches(body)
	}
	return u, ok
}

func holdsCall(parts []inference.Part) bool {
	for i := range parts {
		if parts[i].Kind == inference.PartCall {
			return true
		}
	}
	return false
}

// stop says why a response ended. Source: shared/providers/translation.md, section 2.
func (r *reply) stop(status string, calls bool) inference.Stop {
	switch {
	case status == "incomplete":
	case calls:
		return inference.StopTools
	default:
		return inference.StopEnd
	}
	var out [1]jsonscan.Field
	details := r.of(replyDetails)
	r.scan(reasonKeys, details, out[:], "")
	switch r.text(out[0].In(details), "", "") {
	case "max_output_tokens", "max_tokens":
		return inference.StopLength
	case "content_filter":
		return inference.StopRefusal
	}
	return inference.StopPause
}
