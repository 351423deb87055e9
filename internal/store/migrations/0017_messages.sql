-- Batches of Anthropic's protocol: what of the caller's headers belongs to each call, and how many lines were not made because
-- the batch was canceled, or its time over.
ALTER TABLE batch ADD COLUMN header {{json}};
ALTER TABLE batch ADD COLUMN canceled {{int}} NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN expired {{int}} NOT NULL DEFAULT 0;

-- What a file is, such as application/pdf. Of those that are here already nobody knows.
ALTER TABLE file ADD COLUMN media_type TEXT NOT NULL DEFAULT 'application/octet-stream';
