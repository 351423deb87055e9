package openai

import (
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// The events of a client's that whoever passes them on looks into.
const (
	RealtimeSessionUpdate  = "session.update"
	RealtimeResponseCreate = "response.create"
	RealtimeAudioAppend    = "input_audio_buffer.append"
	RealtimeAudioClear     = "input_audio_buffer.clear"
	RealtimeItemCreate     = "conversation.item.create"
)

// RealtimeAsk is an event of a client's. What the event is not about is zero.
type RealtimeAsk struct {
	Type string
	ID   string // that the client gave it; "": none
	// Session is what session.update says.
	Session RealtimeSession
	// Input is what the event says to the session, which a later response is charged for.
	Input RealtimeInput
	// Output and Modalities are those of response.create.
	Output     RealtimeLimit
	Modalities RealtimeModalities
	// Aside says that the response is no part of the conversation.
	Aside bool
}

const (
	raType = iota
	raID
	raSession
	raResponse
	raItem
	raAudio
	numAskKeys
)

var (
	realtimeAskKeys = jsonscan.NewKeys("type", "event_id", "session", "response", "item", "audio")
	// createKeys are the members of response.create's object that matter.
	createKeys = jsonscan.NewKeys("max_output_tokens", "max_response_output_tokens", "output_modalities", "modalities",
		"instructions", "tools", "input", "conversation")
)

// maxEventID is how long a client's name for an event is at most.
const maxEventID = 512

// PeekRealtimeAsk reads a client's event. Events of other kinds than those above have a type and an id only.
// Codes: invalid_json, invalid_parameter with the path.
func PeekRealtimeAsk(message []byte) (RealtimeAsk, error) {
	a, err := peekRealtimeAsk(message)
	if err != nil {
		return a, requestFault(err)
	}
	return a, nil
}

func peekRealtimeAsk(message []byte) (a RealtimeAsk, err error) {
	var f [numAskKeys]jsonscan.Field
	if _, _, err := realtimeAskKeys.Scan(message, f[:]); err != nil {
		return a, scanError(err)
	}
	if a.ID, err = text(message, f[raID], "event_id", maxEventID); err != nil {
		return a, err
	}
	if a.Type, err = text(message, f[raType], "type", maxWord); err == nil && a.Type == "" {
		err = missing("type", "An event needs a type.")
	}
	if err != nil {
		return a, err
	}
	whole := piece{text: message}
	switch a.Type {
	case RealtimeSessionUpdate:
		a.Session, err = readRealtimeSession(whole.of(f[raSession]))
	case RealtimeResponseCreate:
		err = a.readCreate(f[raResponse].In(message))
	case RealtimeAudioAppend:
		if sound := f[raAudio]; sound.Found() {
			a.Input.AudioBytes = decoded(sound)
		}
	case RealtimeItemCreate:
		err = a.Input.addItem(f[raItem].In(message))
	}
	return a, err
}

// readCreate reads what response.create says of the response.
func (a *RealtimeAsk) readCreate(object []byte) (err error) {
	if !isObject(object) {
		return nil
	}
	var f [8]jsonscan.Field
	if _, _, err := createKeys.Scan(object, f[:]); err != nil {
		return scanError(err)
	}
	if a.Output, err = readLimit(object, either(f[0], f[1])); err != nil {
		return err
	}
	a.Modalities = readModalities(either(f[2], f[3]).In(object))
	a.Aside = string(f[7].In(object)) == `"none"`
	a.Input.add(f[4].In(object))
	a.Input.add(f[5].In(object))
	it := jsonscan.AnyElements(f[6].In(object))
	for it.Next() {
		if err := a.Input.addItem(it.Value); err != nil {
			return err
		}
	}
	return scanned(it.Err)
}

// RealtimeFault is what is wrong with an event, as its client is told.
func RealtimeFault(err error, about string) []byte { return RealtimeError(fault.From(err), about) }
