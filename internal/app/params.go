package app

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/params"
)

// paramRules reads what is entered with the compiler that the relay uses.
type paramRules struct{}

// CheckParams implements routing.ParamRules.
func (paramRules) CheckParams(schema []byte) error {
	_, err := params.Compile(schema)
	return schemaFault(err)
}

// CheckOverride implements routing.ParamRules.
func (paramRules) CheckOverride(settings []byte) error {
	_, err := params.CompileOverride(settings)
	return schemaFault(err)
}

func schemaFault(err error) error {
	if s, ok := errors.AsType[*params.SchemaError](err); ok {
		return fault.ErrInvalid.Saying(s.Message).At(s.Path)
	}
	return err
}
