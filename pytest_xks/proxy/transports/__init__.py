"""Ways to a mock proxy: in this process, through ``responses``, over real HTTPS.

From outside, everything here may be imported.
"""
