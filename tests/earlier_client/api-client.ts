const API_BASE = import.meta.env.VITE_API_URL || 'http://localhost:4000';

interface RequestOptions extends RequestInit {
  params?: Record<string, string>;
}

class ApiClient {
  private baseUrl: string;
  private token: string | null = null;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
    this.token = localStorage.getItem('access_token');
  }

  setToken(token: string | null) {
    this.token = token;
    if (token) {
      localStorage.setItem('access_token', token);
    } else {
      localStorage.removeItem('access_token');
    }
  }

  private async request<T>(endpoint: string, options: RequestOptions = {}): Promise<T> {
    const { params, ...fetchOptions } = options;

    let url = `${this.baseUrl}${endpoint}`;
    if (params) {
      const searchParams = new URLSearchParams(params);
      url += `?${searchParams}`;
    }

    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      ...(options.headers as Record<string, string>),
    };

    if (this.token) {
      headers['Authorization'] = `Bearer ${this.token}`;
    }

    const response = await fetch(url, {
      ...fetchOptions,
      headers,
    });

    if (!response.ok) {
      if (response.status === 401) {
        this.setToken(null);
        window.location.href = '/login';
      }
      const error = await response.json().catch(() => ({ error: 'Unknown error' }));
      throw new Error(error.message || error.error || 'Request failed');
    }

    return response.json();
  }

  // Auth
  async login(email: string, password: string) {
    const result = await this.request<{ access_token: string; refresh_token: string }>(
      '/auth/login',
      { method: 'POST', body: JSON.stringify({ email, password }) },
    );
    this.setToken(result.access_token);
    localStorage.setItem('refresh_token', result.refresh_token);
    return result;
  }

  async logout() {
    await this.request('/auth/logout', { method: 'POST' });
    this.setToken(null);
    localStorage.removeItem('refresh_token');
  }

  // Organizations
  getOrganization(id: string) {
    return this.request<Organization>(`/organizations/${id}`);
  }

  // Sites
  getSites(orgId: string) {
    return this.request<Site[]>(`/organizations/${orgId}/sites`);
  }

  createSite(orgId: string, data: CreateSiteInput) {
    return this.request<Site>(`/organizations/${orgId}/sites`, {
      method: 'POST',
      body: JSON.stringify(data),
    });
  }

  // Units
  getUnits(areaId: string) {
    return this.request<Unit[]>(`/areas/${areaId}/units`);
  }

  getUnit(id: string) {
    return this.request<Unit>(`/units/${id}`);
  }

  createUnit(areaId: string, data: CreateUnitInput) {
    return this.request<Unit>(`/areas/${areaId}/units`, {
      method: 'POST',
      body: JSON.stringify(data),
    });
  }

  updateUnit(id: string, data: Partial<Unit>) {
    return this.request<Unit>(`/units/${id}`, {
      method: 'PUT',
      body: JSON.stringify(data),
    });
  }

  // Readings
  getReadings(unitId: string, timeRange: string) {
    return this.request<SensorReading[]>(`/units/${unitId}/readings`, {
      params: { range: timeRange },
    });
  }

  // Alerts
  getAlerts(unitId: string) {
    return this.request<Alert[]>(`/units/${unitId}/alerts`);
  }

  acknowledgeAlert(id: string) {
    return this.request<Alert>(`/alerts/${id}/acknowledge`, { method: 'PUT' });
  }

  resolveAlert(id: string) {
    return this.request<Alert>(`/alerts/${id}/resolve`, { method: 'PUT' });
  }
}

export const api = new ApiClient(API_BASE);
