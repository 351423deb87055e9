package access

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// What can go wrong with rules.
var (
	// ErrExists says that the subject has a rule of the same effect for the resource.
	ErrExists = fault.New(409, "access_rule_exists", "The subject has a rule of this effect for the resource.").At("resourceId")
	// ErrLimit says that a subject has as many rules as it may have.
	ErrLimit = fault.New(400, "access_rule_limit", "The subject has as many access rules as it may have.")
	// ErrRule says that there is no such rule, or that it is another tenant's.
	ErrRule = fault.ErrNotFound.Saying("There is no such access rule.")
	// ErrKey says that there is no such key, or that it is another user's.
	ErrKey = fault.ErrNotFound.Saying("There is no such API key.").At("subjectId")
)

func invalid(path, message string) *fault.Error { return fault.ErrInvalid.Saying(message).At(path) }
