package journal

import (
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
)

func appendKept(b []byte, v *tasks.Kept) []byte {
	b = append(b, v.ID[:]...)
	b = append(b, v.TenantID[:]...)
	b = append(b, v.UserID[:]...)
	b = appendText(b, v.Kind)
	b = append(b, v.PreviousID[:]...)
	b = append(b, v.PlatformID[:]...)
	b = append(b, v.CredentialID[:]...)
	b = appendBool(b, v.Background)
	b = appendText(b, v.Model)
	b = appendText(b, v.Input)
	b = appendText(b, v.Answer)
	b = appendTime(b, v.CreatedAt)
	return appendTime(b, v.ExpiresAt)
}

func readKept(r *reader) *tasks.Kept {
	v := &tasks.Kept{
		ID: r.id(), TenantID: r.id(), UserID: r.id(), Kind: inference.Kind(r.text()), PreviousID: r.id(), PlatformID: r.id(), CredentialID: r.id(),
		Background: r.bool(), Model: r.text(), Input: r.bytes(), Answer: r.bytes(), CreatedAt: r.time(), ExpiresAt: r.time(),
	}
	if r.err != nil {
		return nil
	}
	return v
}
