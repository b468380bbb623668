"""The outside world on loopback: OpenAI, Gemini, Kakao and public-data APIs with a billing ledger. Imports no other room."""
