"""The post "Beyond Vanilla Policy Gradients", reproduced: its runs, their data, the figures and their page."""
