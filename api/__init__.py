"""The HTTP program: who may come in, what they may see and change. Begin reading at routes.py."""
