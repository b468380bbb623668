"""The Eco² chat worker: a LangGraph agent for Korean recycling questions, every LLM call accounted for."""
