/** What a person may set beside the messages. Empty means: let the model decide. */
export interface ChatParams {
  system: string;
  temperature: string;
  maxTokens: string;
}

export const defaultParams: ChatParams = { system: '', temperature: '', maxTokens: '' };

export interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** The request body; only what was set is sent. */
export function chatBody(model: string, params: ChatParams, history: Message[]) {
  const system = params.system.trim();
  return {
    model,
    messages: [...(system ? [{ role: 'system', content: system }] : []), ...history],
    ...(params.temperature !== '' && { temperature: Number(params.temperature) }),
    ...(params.maxTokens !== '' && { max_tokens: Number(params.maxTokens) }),
  };
}

/** The request that answers a message. */
export type ChatBody = ReturnType<typeof chatBody>;

/** How many settings differ from the default. */
export function changedParams(params: ChatParams): number {
  return Object.values(params).filter((value) => value !== '').length;
}
