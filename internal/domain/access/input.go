package access

import (
	"encoding/json"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

const (
	maxPriority = 1_000_000
	maxMetadata = 16 << 10 // bytes
)

// Input describes a rule as it is entered. What is absent (an empty text, a nil pointer, no JSON or null) stays as it is;
// of a rule that is made, it is an allow that is active, with priority and level 0.
type Input struct {
	SubjectType, SubjectID   string
	ResourceType, ResourceID string
	Effect, Status           string
	Priority                 *int
	MinPermissionLevel       *int
	Conditions               json.RawMessage
	Metadata                 json.RawMessage
}

// apply changes a rule. path is put before the names of fields. Code: invalid_parameter with the path.
func (in *Input) apply(r *Rule, path string) error {
	err := first(
		take(&r.SubjectType, path+"subjectType", in.SubjectType, subjectTypes),
		takeID(&r.SubjectID, path+"subjectId", in.SubjectID),
		take(&r.Effect, path+"effect", in.Effect, effects),
	)
	if err != nil {
		return err
	}
	return in.applyTerms(r, path)
}

// applyTerms is apply without the subject and the effect.
func (in *Input) applyTerms(r *Rule, path string) error {
	_, err := ParseConditions(path+"conditions", in.Conditions)
	return first(
		take(&r.ResourceType, path+"resourceType", in.ResourceType, resourceTypes),
		takeID(&r.ResourceID, path+"resourceId", in.ResourceID),
		take(&r.Status, path+"status", in.Status, statuses),
		takeNumber(&r.Priority, path+"priority", in.Priority, -maxPriority, maxPriority),
		takeNumber(&r.MinPermissionLevel, path+"minPermissionLevel", in.MinPermissionLevel, 0, MaxLevel),
		fault.From(err), takeObject(&r.Conditions, path+"conditions", in.Conditions),
		takeObject(&r.Metadata, path+"metadata", in.Metadata),
	)
}

func first(faults ...*fault.Error) error {
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}

// take takes a word of a list; what has none yet needs one.
func take[T ~string](to *T, path, word string, known []T) *fault.Error {
	if word != "" {
		*to = T(word)
	}
	if !slices.Contains(known, *to) {
		return invalid(path, "The value is not known.")
	}
	return nil
}

func takeID(to *id.ID, path, text string) *fault.Error {
	if text != "" {
		v, err := id.Parse(text)
		if err != nil {
			return invalid(path, "This is not an id.")
		}
		*to = v
	}
	if to.IsZero() {
		return invalid(path, "An id is needed.")
	}
	return nil
}

func takeNumber(to *int64, path string, n *int, least, most int64) *fault.Error {
	if n == nil {
		return nil
	}
	if int64(*n) < least || int64(*n) > most {
		return invalid(path, "The number is out of range.")
	}
	*to = int64(*n)
	return nil
}

func takeObject(to *json.RawMessage, path string, raw json.RawMessage) *fault.Error {
	if isNothing(raw) {
		return nil
	}
	if _, err := membersOf(path, raw); err != nil {
		return fault.From(err)
	}
	if len(raw) > maxMetadata {
		return invalid(path, "The object is too long.")
	}
	*to = raw
	return nil
}
